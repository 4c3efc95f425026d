from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import harkit
from harkit import datasets
from harkit.errors import ArgumentError, ArgumentTypeError, MissingFileError

Touch = Callable[..., Path]
CLASSES = ("kiss", "pour")


def frames(video: str, n: int, pattern: str = "{:04d}.jpg") -> Iterator[str]:
    return (f"{video}/{pattern.format(i)}" for i in range(1, n + 1))


@pytest.fixture
def root(touch: Touch) -> Path:
    """Two classes of ten videos out of five films each, of 16 to 25 frames."""
    for action in CLASSES:
        for i in range(10):
            video = f"{action}/Film{i // 2}_{action}_f_nm_np1_fr_med_{i}"
            top = touch(*frames(video, 16 + i))
    return top


def test_blocks_are_consecutive_and_an_incomplete_last_one_is_dropped(root: Path) -> None:
    simp = datasets.hmdb_simp(root, block=8)
    rows = [i for i, path in enumerate(simp.all.paths) if path.endswith("Film4_kiss_f_nm_np1_fr_med_9")]
    assert simp.all.spans is not None and simp.all.spans[rows].tolist() == [[0, 8], [8, 16], [16, 24]]
    assert [simp.all.names[i] for i in rows] == [f"Film4_kiss_f_nm_np1_fr_med_9_{k}" for k in (1, 2, 3)]
    assert len(simp.all) == 2 * sum((16 + i) // 8 for i in range(10))


def test_no_block_takes_each_video_whole(root: Path) -> None:
    simp = datasets.hmdb_simp(root, block=None)
    assert len(simp.all) == 20 and simp.all.spans is None
    assert simp.all.names == [Path(path).name for path in simp.all.paths]


def test_the_division_by_sources_keeps_films_together(root: Path) -> None:
    simp = datasets.hmdb_simp(root, block=None)
    assert simp.shared_groups() == {} and len(simp.train) > len(simp.test) > 0 < len(simp.val)
    assert "kiss/Film0" in simp.all.groups


def test_the_report_s_division_is_by_video_and_says_that_films_are_torn(root: Path) -> None:
    simp = datasets.hmdb_simp(root, block=None, split="report")
    assert [len(part) for part in simp.splits.values()] == [16, 2, 2]
    assert set(simp.train.class_counts().values()) == {8}
    assert simp.shared_groups() and "shared groups" in repr(simp)
    assert simp == datasets.hmdb_simp(root, block=None, split="report")
    assert simp != datasets.hmdb_simp(root, block=None, split="report", seed=1)


def test_a_video_is_in_the_same_split_at_every_block_size(root: Path) -> None:
    eight, sixteen = (datasets.hmdb_simp(root, block=block) for block in (8, 16))
    for name in ("train", "val", "test"):
        assert set(eight.splits[name].paths) == set(sixteen.splits[name].paths)


def test_written_tables_are_read_back(root: Path) -> None:
    drawn = datasets.hmdb_simp(root, block=8)
    folder = Path(datasets.write_video_ids(drawn, root, block=8))
    assert folder == root / "splitInfo_BlockSize_8"
    assert (folder / "val.csv").read_text().splitlines()[0] == "VideoId"
    read = datasets.hmdb_simp(root, block=8, split="files")
    assert read.train == drawn.train and read.val == drawn.val and read.test == drawn.test


def test_tables_that_tear_a_film_are_refused_unless_asked_for(root: Path) -> None:
    datasets.write_video_ids(datasets.hmdb_simp(root, split="report"), root, block=8)
    with pytest.raises(ArgumentError, match=r"hmdb_simp: splits .* share"):
        datasets.hmdb_simp(root, split="files")
    assert datasets.hmdb_simp(root, split="files", allow_shared_groups=True).shared_groups()


def test_tables_that_do_not_fit_the_tree_are_said(root: Path) -> None:
    folder = Path(datasets.write_video_ids(datasets.hmdb_simp(root), root, block=8))
    test = (folder / "test.csv").read_text().splitlines()
    (folder / "test.csv").write_text("\n".join([*test, "not_there"]))
    assert datasets.hmdb_simp(root, split="files").missing == ("not_there",)
    (folder / "test.csv").write_text("\n".join(test[:-1]))
    with pytest.raises(ArgumentError, match=f"1 videos stand in no split, first {test[-1]}"):
        datasets.hmdb_simp(root, split="files")
    with pytest.raises(MissingFileError, match="splitInfo_BlockSize_16"):
        datasets.hmdb_simp(root, block=16, split="files")


def test_the_official_split_is_restricted_to_the_videos_at_hand(root: Path) -> None:
    (root.parent / "lists").mkdir()
    for action in CLASSES:
        rows = [f"Film{i // 2}_{action}_f_nm_np1_fr_med_{i}.avi {1 if i < 6 else 2}" for i in range(8)]
        (root.parent / "lists" / f"{action}_test_split1.txt").write_text("\n".join(rows))
    simp = datasets.hmdb_simp(root, block=None, split="official", splits=root.parent / "lists")
    assert (len(simp.train), len(simp.test)) == (12, 4) and simp.missing == ()


def test_a_video_shorter_than_a_block_is_listed_as_missing(root: Path, touch: Touch) -> None:
    touch(*frames("kiss/short", 5))
    simp = datasets.hmdb_simp(root, block=8)
    assert simp.missing == ("short",) and "short_1" not in simp.all.names


def test_frames_are_ordered_by_number_or_as_listed(touch: Touch) -> None:
    top = touch("v/frame_10.png", "v/frame_9.png", "v/frame_1.PNG", "v/.hidden.png", "v/notes.txt")
    names = [Path(path).name for path in datasets.frame_files(top / "v")]
    assert names == ["frame_1.PNG", "frame_9.png", "frame_10.png"]
    names = [Path(path).name for path in datasets.frame_files(top / "v", order="listing")]
    assert names == ["frame_1.PNG", "frame_10.png", "frame_9.png"]


@pytest.mark.parametrize(
    "names", [["f2.png", "f10.png", "f1.png"], ["f.png", "f1.png", "f-1.png", "f01.png", "g0.png"]]
)
def test_the_numeric_order_is_the_one_in_which_a_folder_is_read(tmp_path: Path, names: list[str]) -> None:
    from PIL import Image

    for level, name in enumerate(names):
        Image.fromarray(np.full((8, 8, 3), 20 * level, np.uint8)).save(tmp_path / name)
    read = [names[int(frame[0, 0, 0]) // 20] for frame in harkit.VideoReader(tmp_path)]
    assert [Path(path).name for path in datasets.frame_files(tmp_path)] == read


def test_unpadded_frame_numbers_are_warned_of(root: Path, touch: Touch) -> None:
    touch(*frames("kiss/unpadded", 12, "{}.jpg"))
    with pytest.warns(UserWarning, match="unpadded: frame numbers are not padded"):
        datasets.hmdb_simp(root)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ("hug/", "hug: there is no video folder in this class folder"),
        ("kiss/empty/", "empty: there is no frame image in this folder"),
        ("pour/Film0_kiss_f_nm_np1_fr_med_0/1.jpg", "Film0_kiss_f_nm_np1_fr_med_0 lies there twice"),
    ],
)
def test_a_tree_that_cannot_be_is_refused(root: Path, touch: Touch, extra: str, says: str) -> None:
    if extra.endswith("/"):
        (root / extra).mkdir()
    else:
        touch(extra)
    with pytest.raises(ArgumentError, match=says):
        datasets.hmdb_simp(root)


def test_wrong_arguments_name_themselves(root: Path) -> None:
    with pytest.raises(ArgumentError, match="`block` must be at least 1, got 0"):
        datasets.hmdb_simp(root, block=0)
    with pytest.raises(ArgumentTypeError, match="`block` must be a whole number or None, got float"):
        datasets.hmdb_simp(root, block=8.0)
    with pytest.raises(ArgumentError, match="`order` must be one of 'numeric', 'listing', got 'random'"):
        datasets.hmdb_simp(root, order="random")
