from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harkit import datasets
from harkit.datasets import Dataset, Split
from harkit.errors import ArgumentError, ArgumentTypeError, MissingFileError

Touch = Callable[..., Path]


# folder


def test_class_folders_are_classes_and_each_video_its_own_group(touch: Touch) -> None:
    root = touch("walk/b.MP4", "walk/a.avi", "run/c.mkv", "run/readme.txt", "run/.hidden.avi", ".git/x.avi")
    own = datasets.folder(root)
    assert own.classes == ("run", "walk")
    assert own.all.names == ["run/c", "walk/a", "walk/b"] == own.all.groups
    assert own.all.labels.tolist() == [0, 1, 1]
    assert own.all.paths[0] == str(root / "run" / "c.mkv")


def test_a_folder_of_frames_is_a_video(touch: Touch) -> None:
    own = datasets.folder(touch("run/clip.one/0001.png", "run/clip.one/0002.png", "run/other/notes.txt"))
    assert own.all.names == ["run/clip.one"]


def test_groups_are_found_in_names(touch: Touch) -> None:
    root = touch("a/v_a_g01_c01.avi", "a/v_a_g01_c02.avi", "b/v_b_g02_c01.avi")
    assert datasets.folder(root, groups=r"_g(\d+)_").all.groups == ["01", "01", "02"]
    assert datasets.folder(root, groups=r"g\d+").all.groups == ["g01", "g01", "g02"]
    with pytest.raises(ArgumentError, match="does not match the name"):
        datasets.folder(root, groups="person")
    with pytest.raises(ArgumentError, match="`groups` must be a regular expression"):
        datasets.folder(root, groups="(")


def test_split_folders_are_splits_and_may_not_share_groups(touch: Touch) -> None:
    root = touch("train/run/p1_1.avi", "train/walk/p2_1.avi", "test/run/p3_1.avi", "test/walk/p1_2.avi")
    own = datasets.folder(root, splits=("train", "test"))
    assert own.train.names == ["train/run/p1_1", "train/walk/p2_1"] and len(own.test) == 2
    with pytest.raises(ArgumentError, match=r"share 1 group \(p1\)"):
        datasets.folder(root, splits=("train", "test"), groups=r"p\d")
    shared = datasets.folder(root, splits=("train", "test"), groups=r"p\d", allow_shared_groups=True)
    assert shared.shared_groups() == {("train", "test"): ("p1",)}


def test_classes_may_be_given_in_label_order(touch: Touch) -> None:
    root = touch("run/a.avi", "walk/b.avi")
    own = datasets.folder(root, classes=["walk", "run", "sit"])
    assert own.all.class_counts() == {"walk": 1, "run": 1, "sit": 0} and own.all.names[0] == "walk/b"
    with pytest.raises(ArgumentError, match="class folder run is not in `classes`"):
        datasets.folder(root, classes=["walk"])


def test_empty_folders_are_refused(touch: Touch) -> None:
    root = touch("run/a.avi", "walk/notes.txt")
    with pytest.raises(ArgumentError, match="walk: there is no video in this class folder"):
        datasets.folder(root)
    with pytest.raises(ArgumentError, match="run: there is no class folder in it"):
        datasets.folder(root / "run")
    with pytest.raises(MissingFileError, match="train: there is no such folder"):
        datasets.folder(root, splits=("train",))


# csv


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_rows_are_samples_and_paths_start_from_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", "path,label\r\nv/a.avi,walk\r\n\r\n/abs/b.avi,run")
    own = datasets.csv(path)
    assert own.classes == ("run", "walk") and own.all.labels.tolist() == [1, 0]
    assert own.all.paths == [str(tmp_path / "v/a.avi"), "/abs/b.avi"]
    assert own.all.groups == own.all.names == ["v/a.avi", "/abs/b.avi"]
    assert datasets.csv(path, root="/data").all.paths[0] == "/data/v/a.avi"


def test_optional_columns_give_groups_splits_and_spans(tmp_path: Path) -> None:
    header = "path,label,group,split,start,stop\n"
    text = header + "a.avi,0,p1,train,0,10\na.avi,1,p1,train,10,30\nb.avi,1,p2,test,0,9\n"
    own = datasets.csv(write(tmp_path / "own.csv", text))
    assert list(own.splits) == ["train", "test"] and own.train.groups == ["p1", "p1"]
    assert own.train.spans is not None and own.train.spans.tolist() == [[0, 10], [10, 30]]
    assert own.train.names == ["a.avi:0-10", "a.avi:10-30"]


def test_labels_may_be_names_or_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", "path,label\na.avi,2\nb.avi,0\n")
    assert datasets.csv(path).classes == ("0", "1", "2")
    named = datasets.csv(path, classes=["run", "sit", "walk"])
    assert named.classes == ("run", "sit", "walk") and named.all.labels.tolist() == [2, 0]


def test_columns_may_have_other_names_and_other_delimiters(tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", "﻿video;action\n'a b.avi';run\n")
    own = datasets.csv(path, columns={"path": "video", "label": "action"}, delimiter=";")
    assert own.all.names == ["'a b.avi'"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path\na.avi\n", "line 1: there is no column 'label', the header has path"),
        ("path,label\na.avi\n", "line 2: expected 2 fields as in the header, got 1"),
        ("path,label\na.avi,run\na.avi,walk\n", "line 3: a.avi stands twice, first in line 2"),
        ("path,label\na.avi,\n", "line 2: path and label must not be empty"),
        ("path,label,path\na,b,c\n", "line 1: column 'path' stands twice"),
        ("path,label,start\na,b,0\n", "columns 'start' and 'stop' go together"),
        ("path,label,start,stop\na,b,5,5\n", "line 2: stop must be greater than start"),
        ("path,label,start,stop\na,b,x,5\n", "line 2: start must be a whole number from 0, got 'x'"),
        ('path,label\n"a,b\n', "unexpected end of data"),
        ("path,label\n", "there are no samples in it"),
        ("", "there are no samples in it"),
        ("path,label,group,split\na,0,p,train\nb,0,p,test\n", r"share 1 group \(p\)"),
    ],
)
def test_a_file_that_cannot_be_is_an_error_that_names_the_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        datasets.csv(write(tmp_path / "own.csv", text))


def test_unknown_classes_and_wrong_arguments_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", "path,label\na.avi,run\nb.avi,fly\n")
    with pytest.raises(ArgumentError, match="line 3: unknown class 'fly', `classes` are run, walk"):
        datasets.csv(path, classes=["run", "walk"])
    with pytest.raises(ArgumentError, match="there is no column 'who'"):
        datasets.csv(path, columns={"group": "who"})
    with pytest.raises(ArgumentError, match=r"`columns` may rename .*, got 'person'"):
        datasets.csv(path, columns={"person": "who"})
    with pytest.raises(ArgumentError, match="`delimiter` must be one character"):
        datasets.csv(path, delimiter="::")
    with pytest.raises(MissingFileError, match=r"nowhere.csv: there is no such list file"):
        datasets.csv(tmp_path / "nowhere.csv")


def a_set(folder: Path, *, spans: bool) -> Dataset:
    def part(name: str, n: int) -> Split:
        paths = [str(folder / "v" / f'{name} "{i}", ü\udcff.avi') for i in range(n)]
        return Split(
            name,
            ("run", "a, b", '"'),
            paths,
            np.arange(n) % 3,
            [f"{name}{i // 2}" for i in range(n)],
            [f"{name}_{i}" for i in range(n)],
            spans=np.array([[i, i + 4] for i in range(n)]) if spans else None,
        )

    return Dataset("csv", {"train": part("train", 7), "val": part("val", 4), "test": part("test", 4)})


@pytest.mark.parametrize("spans", [False, True])
def test_what_is_written_as_csv_reads_back_equal(tmp_path: Path, *, spans: bool) -> None:
    own = a_set(tmp_path, spans=spans)
    datasets.write_csv(own, tmp_path / "own.csv")
    assert datasets.csv(tmp_path / "own.csv", classes=own.classes) == own
    assert (tmp_path / "own.csv").read_bytes().count(str(tmp_path).encode()) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["own.csv"]


# mmaction2 and VideoId


def test_lists_of_files_and_of_frame_folders_are_read(tmp_path: Path) -> None:
    train = write(tmp_path / "train.txt", "a.mp4 1\nb/c.mp4 0\n")
    val = write(tmp_path / "val.txt", "d 120 2\n")
    own = datasets.mmaction2({"train": train, "val": val})
    assert own.classes == ("0", "1", "2") and own.train.labels.tolist() == [1, 0]
    assert own.train.paths == [str(tmp_path / "a.mp4"), str(tmp_path / "b/c.mp4")]
    assert datasets.mmaction2(val, root="/frames").all.paths == ["/frames/d"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.mp4\n", "line 1: expected 'path label' or 'path n_frames label'"),
        ("a b.mp4 10 1\n", "line 1: expected 'path label' or"),
        ("a.mp4 walk\n", "line 1: the label must be a whole number from 0, got 'walk'"),
        ("a 0 1\n", "line 1: n_frames must be at least 1"),
        ("a 1\na 1\n", "line 2: a stands twice, first in line 1"),
        ("a 5\n", r"line 1: label 5 is outside `classes` \(0\.\.1\)"),
        ("", "the list is empty"),
    ],
)
def test_a_list_that_cannot_be_is_an_error_that_names_the_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        datasets.mmaction2(write(tmp_path / "list.txt", text), classes=["run", "walk"])


def test_written_mmaction2_lists_have_its_form_and_read_back(tmp_path: Path) -> None:
    own = Split("train", ("x", "y"), ["/d/v/a.mp4", "/d/b.mp4"], np.array([1, 0]), ["g", "h"], ["a", "b"])
    datasets.write_mmaction2(own, tmp_path / "files.txt", root="/d")
    assert (tmp_path / "files.txt").read_text() == "v/a.mp4 1\nb.mp4 0\n"
    datasets.write_mmaction2(own, tmp_path / "frames.txt", n_frames=[33, 105], root="/d")
    assert (tmp_path / "frames.txt").read_text() == "v/a.mp4 33 1\nb.mp4 105 0\n"
    back = datasets.mmaction2({"train": tmp_path / "frames.txt"}, root="/d", classes=own.classes)
    assert back.train.paths == own.paths and back.train.labels.tolist() == own.labels.tolist()


def test_what_mmaction2_cannot_read_is_not_written(tmp_path: Path) -> None:
    blank = Split("train", ("x",), ["a b.mp4"], np.array([0]), ["g"], ["a"])
    with pytest.raises(ArgumentError, match="has white space in it"):
        datasets.write_mmaction2(blank, tmp_path / "x.txt")
    own = Split("train", ("x",), ["a.mp4"], np.array([0]), ["g"], ["a"])
    with pytest.raises(ArgumentError, match="does not lie below `root` /d"):
        datasets.write_mmaction2(own, tmp_path / "x.txt", root="/d")
    with pytest.raises(ArgumentError, match="`n_frames` must be 1 counts from 1"):
        datasets.write_mmaction2(own, tmp_path / "x.txt", n_frames=[0])
    with pytest.raises(ArgumentTypeError, match="`n_frames` must be whole numbers, got float64"):
        datasets.write_mmaction2(own, tmp_path / "x.txt", n_frames=[1.5])
    parts = Split("train", ("x",), ["a.mp4"], np.array([0]), ["g"], ["a"], spans=np.array([[0, 3]]))
    with pytest.raises(ArgumentError, match="this `split` has spans"):
        datasets.write_mmaction2(parts, tmp_path / "x.txt")
    assert list(tmp_path.iterdir()) == []


def test_video_tables_hold_each_video_once(tmp_path: Path) -> None:
    own = a_set(tmp_path, spans=True)
    halves = {
        name: Split(
            name,
            part.classes,
            [path for path in part.paths for _ in range(2)],
            np.repeat(part.labels, 2),
            [group for group in part.groups for _ in range(2)],
            [f"{video}_{k}" for video in part.names for k in (1, 2)],
            spans=np.array([[4 * k, 4 * k + 4] for _ in part.names for k in (0, 1)]),
        )
        for name, part in own.splits.items()
    }
    folder = datasets.write_video_ids(Dataset("halves", halves), tmp_path, block=4)
    assert datasets.read_video_ids(folder) == {
        name: [Path(path).stem for path in part.paths] for name, part in own.splits.items()
    }


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("train", "video\na\n", "train.csv: the first line must be VideoId"),
        ("train", "", "train.csv: the first line must be VideoId"),
        ("val", "VideoId\nb\nb\n", "val.csv, line 3: b stands twice, first in val.csv, line 2"),
        ("val", "VideoId\na\n", "val.csv, line 2: a stands twice, first in train.csv, line 2"),
    ],
)
def test_video_tables_that_cannot_be_are_refused(tmp_path: Path, name: str, text: str, says: str) -> None:
    tables = {"train": "VideoId\na\n", "val": "VideoId\n", "test": "VideoId\n", name: text}
    for own, content in tables.items():
        write(tmp_path / f"{own}.csv", content)
    with pytest.raises(ArgumentError, match=says):
        datasets.read_video_ids(tmp_path)


def test_video_tables_need_three_splits_and_different_names(tmp_path: Path) -> None:
    own = Split("train", ("x",), ["d/a.mp4", "e/a.mp4"], np.array([0, 0]), ["g", "h"], ["a", "b"])
    with pytest.raises(ArgumentError, match="toy has no split 'train', it has all"):
        datasets.write_video_ids(Dataset("toy", {"all": own}), tmp_path, block=8)
    rest = {name: Split(name, ("x",), [name], np.array([0]), [name], [name]) for name in ("val", "test")}
    with pytest.raises(ArgumentError, match=r"two videos are named a: d/a.mp4 and e/a.mp4"):
        datasets.write_video_ids(Dataset("toy", {"train": own, **rest}), tmp_path, block=8)


def test_a_file_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    own = Split("train", ("x",), ["a.mp4"], np.array([0]), ["g"], ["a"])
    with pytest.raises(OSError, match=r"list.txt"):
        datasets.write_mmaction2(own, tmp_path / "file" / "list.txt")
