"""Data sets: paths, labels, groups and splits; nothing here decodes a video.

One file a data set, each with a reader of the same name; all return a `Dataset` of `Split` objects
(`dataset`). `lists` and `csv` read and write what other programs use; `synthetic` renders a set of its own.
"""

from __future__ import annotations

from harkit.datasets._files import frame_files
from harkit.datasets.csv import csv, write_csv
from harkit.datasets.dataset import Dataset
from harkit.datasets.ee6222 import ee6222
from harkit.datasets.folder import folder
from harkit.datasets.hmdb51 import hmdb51
from harkit.datasets.hmdb_simp import hmdb_simp
from harkit.datasets.jhmdb import jhmdb, jhmdb_masks
from harkit.datasets.kth import KthSequence, kth, kth_sequences
from harkit.datasets.lists import mmaction2, read_video_ids, write_mmaction2, write_video_ids
from harkit.datasets.split import Split
from harkit.datasets.synthetic import synthetic, synthetic_clip
from harkit.datasets.weizmann import weizmann

__all__ = [
    "Dataset",
    "KthSequence",
    "Split",
    "csv",
    "ee6222",
    "folder",
    "frame_files",
    "hmdb51",
    "hmdb_simp",
    "jhmdb",
    "jhmdb_masks",
    "kth",
    "kth_sequences",
    "mmaction2",
    "read_video_ids",
    "synthetic",
    "synthetic_clip",
    "weizmann",
    "write_csv",
    "write_mmaction2",
    "write_video_ids",
]
