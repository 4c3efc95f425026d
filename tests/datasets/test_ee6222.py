from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harkit import datasets
from harkit.errors import ArgumentError, MissingFileError

MAPPING = "0\tJump\n1\tRun\n2\tSit\n"
TRAIN = [
    "0\t0\tJump/Jump_11_1.mp4",
    "1\t0\tJump/Jump_8_2.mp4",
    "2\t1\tRun/Run_1_1.mp4",
    "3\t2\tSit/Sit_2_7.mp4",
]
TEST = ["0\t0\t24.mp4", "1\t2\t310.mp4"]

Touch = Callable[..., Path]


def lay_out(
    touch: Touch, *, end: str = "\r\n", blank: str = "\t", last: bool = True, mapping: str = MAPPING
) -> Path:
    """The course's folder, with line ends and blanks of choice."""
    root = touch(
        *(f"train/{line.split()[-1]}" for line in TRAIN), *(f"validate/{line.split()[-1]}" for line in TEST)
    )
    for name, lines in (("train", TRAIN), ("validate", TEST), ("mapping_table_23", mapping.splitlines())):
        text = end.join(line.replace("\t", blank) for line in lines) + (end if last else "")
        (root / f"{name}.txt").write_bytes(text.encode())
    return root


def rewrite(root: Path, lines: list[str], name: str = "train.txt") -> None:
    (root / name).write_text("\n".join(lines))


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("blank", ["\t", " ", " \t "])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_blanks_do_not_matter(touch: Touch, end: str, blank: str, *, last: bool) -> None:
    dark = datasets.ee6222(lay_out(touch, end=end, blank=blank, last=last))
    assert dark.classes == ("Jump", "Run", "Sit")
    assert dark.train.labels.tolist() == [0, 0, 1, 2] and dark.test.labels.tolist() == [0, 2]
    assert dark.train.names == ["Jump_11_1", "Jump_8_2", "Run_1_1", "Sit_2_7"]
    assert dark.test.names == ["24", "310"]


def test_a_byte_order_mark_and_blank_lines_are_passed_over(touch: Touch) -> None:
    root = lay_out(touch)
    (root / "train.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(TRAIN).encode() + b"\r\n \t\r\n\r\n")
    assert len(datasets.ee6222(root).train) == 4


def test_a_training_clips_group_is_its_class_and_recording(touch: Touch) -> None:
    dark = datasets.ee6222(lay_out(touch))
    assert dark.train.groups == ["Jump_11", "Jump_8", "Run_1", "Sit_2"]
    assert dark.test.groups == ["24", "310"]


def test_videos_are_found_in_class_folders_and_flat(touch: Touch) -> None:
    root = lay_out(touch)
    nested = [str(root / "train" / line.split()[-1]) for line in TRAIN]
    assert datasets.ee6222(root).train.paths == nested
    for path in nested:
        Path(path).rename(root / "train" / Path(path).name)
    assert datasets.ee6222(root).train.paths == [str(root / "train" / Path(path).name) for path in nested]


def test_a_list_without_class_folders_finds_videos_in_them(touch: Touch) -> None:
    root = lay_out(touch)
    rewrite(root, [line.replace("Jump/", "").replace("Run/", "").replace("Sit/", "") for line in TRAIN])
    assert datasets.ee6222(root).train.paths[0] == str(root / "train" / "Jump" / "Jump_11_1.mp4")


def test_labels_follow_the_mapping_table_not_the_alphabet(touch: Touch) -> None:
    root = lay_out(touch, mapping="2\tSit\n1\tJump\n0\tRun\n")
    rewrite(root, ["0 1 Jump/Jump_11_1.mp4", "1 0 Run/Run_1_1.mp4"])
    dark = datasets.ee6222(root)
    assert dark.classes == ("Run", "Jump", "Sit") and dark.train.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("3\t3\tSit/Sit_2_7.mp4", r"train.txt, line 4: class id 3 is not in the mapping table \(0\.\.2\)"),
        ("3\t-1\tSit/Sit_2_7.mp4", "line 4: the class id must be a whole number from 0, got '-1'"),
        ("3\tSit/Sit_2_7.mp4", "line 4: expected row, class id and path"),
        ("2\t2\tSit/Sit_2_7.mp4", "line 4: row 2 stands twice, first in line 3"),
        ("3\t1\tRun/Run_1_1.mp4", "line 4: video Run_1_1 stands twice, first in line 3"),
        ("3\t1\tSit/Sit_2_7.mp4", "line 4: Sit_2_7 is labelled 1, which is Run"),
    ],
)
def test_a_line_that_cannot_be_is_an_error_that_names_it(touch: Touch, line: str, says: str) -> None:
    root = lay_out(touch)
    rewrite(root, [*TRAIN[:3], line])
    with pytest.raises(ArgumentError, match=says) as caught:
        datasets.ee6222(root)
    assert caught.value.path == root / "train.txt"


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("0\tJump\n0\tRun\n", "line 2: class id 0 stands twice"),
        ("0\tJump\n2\tRun\n", "class ids must run from 0 without gaps"),
        ("0\tJump\n1\tJump\n", "class names stand twice: Jump"),
        ("0\n", "line 1: expected a class id and a name"),
        ("\n", "there are no classes"),
    ],
)
def test_a_mapping_table_that_cannot_be_is_an_error(touch: Touch, mapping: str, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        datasets.ee6222(lay_out(touch, mapping=mapping))


def test_a_listed_video_that_is_not_there_is_named_with_its_line(touch: Touch) -> None:
    root = lay_out(touch)
    (root / "train/Run/Run_1_1.mp4").unlink()
    with pytest.raises(MissingFileError, match=r"train.txt, line 3: there is no video .*Run_1_1.mp4"):
        datasets.ee6222(root)
    without = datasets.ee6222(root, absent="leave_out")
    assert without.missing == ("Run_1_1",) and without.train.names == ["Jump_11_1", "Jump_8_2", "Sit_2_7"]
    kept = datasets.ee6222(root, absent="keep")
    assert kept.missing == ("Run_1_1",) and len(kept.train) == 4


@pytest.mark.parametrize("name", ["train.txt", "validate.txt", "mapping_table_23.txt"])
def test_a_missing_list_is_named(touch: Touch, name: str) -> None:
    root = lay_out(touch)
    (root / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        datasets.ee6222(root)


def test_what_is_no_such_folder_is_said(touch: Touch) -> None:
    root = lay_out(touch)
    with pytest.raises(MissingFileError, match="there is no such folder"):
        datasets.ee6222(root / "nowhere")
    with pytest.raises(ArgumentError, match="`root` must be a folder, this is a file"):
        datasets.ee6222(root / "train.txt")
    with pytest.raises(TypeError, match="`root` must be a path, got int"):
        datasets.ee6222(3)
    with pytest.raises(
        ArgumentError, match="`absent` must be one of 'error', 'leave_out', 'keep', got 'drop'"
    ):
        datasets.ee6222(root, absent="drop")


def test_an_empty_list_and_a_binary_list_are_refused(touch: Touch) -> None:
    root = lay_out(touch)
    rewrite(root, [])
    with pytest.raises(ArgumentError, match="the list is empty"):
        datasets.ee6222(root)
    (root / "train.txt").write_bytes(b"0\t0\ta\0b.mp4")
    with pytest.raises(ArgumentError, match="not a text file"):
        datasets.ee6222(root)
