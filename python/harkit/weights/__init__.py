"""Checkpoints, and the weights that harkit knows by name.

=============== ==================================================================================
`read`          opens a file of safetensors or PyTorch, or a folder of ``.npy``; runs nothing in it
`write`         writes safetensors
`records`       all known weights: source, licence, SHA-256, preprocessing, classes
`path`          where known weights are, checked; or what to fetch, and where to put it
`class_names`   what the outputs of a network are called
=============== ==================================================================================
"""

from __future__ import annotations

from harkit.weights._checkpoint import Checkpoint, read, write
from harkit.weights._record import Download, Folder, Package, Preprocessing, WeightsRecord
from harkit.weights._registry import WeightsTable, class_names, list_weights, path, record, records

__all__ = [
    "Checkpoint",
    "Download",
    "Folder",
    "Package",
    "Preprocessing",
    "WeightsRecord",
    "WeightsTable",
    "class_names",
    "list_weights",
    "path",
    "read",
    "record",
    "records",
    "write",
]
