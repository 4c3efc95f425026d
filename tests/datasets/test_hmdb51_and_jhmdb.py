from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harkit import datasets
from harkit.errors import ArgumentError, MissingFileError

Touch = Callable[..., Path]

# Names as the set has them: brackets, ampersands, hashes, semicolons, and one with blanks.
LISTS = {
    "run": [
        ("Movie_run_f_cm_np1_le_bad_18.avi", 1),
        ("Movie_run_f_cm_np1_le_bad_19.avi", 1),
        ("A_&_B!_#1;_[x]_(2)_run_u_nm_np10_fr_med_0.avi", 2),
        ("Unused_run_f_cm_np1_le_bad_0.avi", 0),
    ],
    "walk": [("two words_walk_f_cm_np1_le_bad_1.avi", 1), ("Movie_walk_f_nm_np2_ba_goo_3.avi", 2)],
}


def write_lists(folder: Path, split: int = 1, lists: dict[str, list[tuple[str, int]]] = LISTS) -> None:
    folder.mkdir(exist_ok=True)
    for action, rows in lists.items():
        text = "".join(f"{name} {code} \n" for name, code in rows)
        (folder / f"{action}_test_split{split}.txt").write_text(text)


@pytest.fixture
def root(touch: Touch) -> Path:
    top = touch(*(f"videos/{action}/{name}" for action, rows in LISTS.items() for name, _ in rows))
    write_lists(top / "splits")
    return top


def test_codes_name_the_split_and_lines_are_cut_at_the_last_blank(root: Path) -> None:
    hmdb = datasets.hmdb51(root)
    assert hmdb.classes == ("run", "walk")
    assert hmdb.train.names == [
        "Movie_run_f_cm_np1_le_bad_18",
        "Movie_run_f_cm_np1_le_bad_19",
        "two words_walk_f_cm_np1_le_bad_1",
    ]
    assert hmdb.test.names == ["A_&_B!_#1;_[x]_(2)_run_u_nm_np10_fr_med_0", "Movie_walk_f_nm_np2_ba_goo_3"]
    assert hmdb.splits["unused"].names == ["Unused_run_f_cm_np1_le_bad_0"]
    assert hmdb.train.labels.tolist() == [0, 0, 1] and hmdb.missing == ()
    assert all(Path(path).is_file() for path in hmdb.all.paths)


def test_a_group_is_the_source_video_within_its_class(root: Path) -> None:
    hmdb = datasets.hmdb51(root)
    assert hmdb.train.groups == ["run/Movie", "run/Movie", "walk/two words"]
    assert hmdb.test.groups == ["run/A_&_B!_#1;_[x]_(2)", "walk/Movie"]


def test_a_film_on_both_sides_is_refused_unless_asked_for(root: Path) -> None:
    with pytest.raises(ArgumentError, match=r"share 1 group \(Movie\)"):
        datasets.hmdb51(root, groups="film")
    both = datasets.hmdb51(root, groups="film", allow_shared_groups=True)
    assert both.shared_groups() == {("train", "test"): ("Movie",)}


def test_clips_that_are_not_there_are_left_out_and_listed(root: Path) -> None:
    (root / "videos/run/Movie_run_f_cm_np1_le_bad_18.avi").unlink()
    hmdb = datasets.hmdb51(root)
    assert hmdb.missing == ("Movie_run_f_cm_np1_le_bad_18",) and len(hmdb.train) == 2
    assert len(datasets.hmdb51(root, absent="keep").train) == 3
    with pytest.raises(MissingFileError, match="1 listed clips are missing, first Movie_run"):
        datasets.hmdb51(root, absent="error")


def test_without_any_clip_the_lists_can_still_be_read(tmp_path: Path) -> None:
    write_lists(tmp_path)
    with pytest.raises(MissingFileError, match=r"none of the 6 listed clips is there.*absent='keep'"):
        datasets.hmdb51(tmp_path)
    assert len(datasets.hmdb51(tmp_path, absent="keep").all) == 6


def test_another_split_and_another_folder_of_lists(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("lists")
    swapped = {
        action: [(name, {1: 2, 2: 1, 0: 0}[code]) for name, code in rows] for action, rows in LISTS.items()
    }
    write_lists(other, 2, swapped)
    with pytest.raises(
        MissingFileError, match=r"no lists CLASS_test_split2.txt; name their folder with `splits`"
    ):
        datasets.hmdb51(root, split=2)
    assert datasets.hmdb51(root, split=2, splits=other).train.names == datasets.hmdb51(root).test.names
    write_lists(root / "splits", 2, swapped)
    assert datasets.hmdb51(root).with_split(2).train.names == datasets.hmdb51(root).test.names
    with pytest.raises(ArgumentError, match="`split` must be one of 1, 2, 3, got 4"):
        datasets.hmdb51(root, split=4)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a_run_f_cm_np1_le_bad_18.avi 3", "line 1: expected 'NAME.avi' and 0, 1 or 2"),
        ("a_run_f_cm_np1_le_bad_18.avi", "line 1: expected 'NAME.avi' and 0, 1 or 2"),
        ("Movie_walk_f_nm_np2_ba_goo_3.avi 1", "stands twice, first in run_test_split1.txt"),
    ],
)
def test_a_line_that_cannot_be_is_an_error_that_names_it(root: Path, line: str, says: str) -> None:
    (root / "splits/run_test_split1.txt").write_text(line)
    with pytest.raises(ArgumentError, match=says):
        datasets.hmdb51(root)


def test_a_clip_that_lies_there_twice_is_refused(root: Path, touch: Touch) -> None:
    touch("original/run/Movie_run_f_cm_np1_le_bad_18.avi")
    with pytest.raises(ArgumentError, match=r"Movie_run_f_cm_np1_le_bad_18.avi lies there twice"):
        datasets.hmdb51(root)


def test_the_kaggle_names_carry_the_split(touch: Touch) -> None:
    root = touch("run/training_2.avi", "run/training_10.avi", "run/testing_14.avi", "walk/training_1.avi")
    hmdb = datasets.hmdb51(root, convention="kaggle")
    assert hmdb.train.names == ["run/training_10", "run/training_2", "walk/training_1"]
    assert hmdb.test.names == ["run/testing_14"] and hmdb.test.groups == ["run/testing_14"]
    with pytest.raises(ArgumentError, match="no other splits"):
        hmdb.with_split(2)


def test_published_names_are_no_kaggle_names(root: Path) -> None:
    with pytest.raises(ArgumentError, match="the name says neither training nor testing"):
        datasets.hmdb51(root / "videos", convention="kaggle")
    (root / "videos" / "empty").mkdir()
    with pytest.raises(ArgumentError, match=r"there is no .avi file in this class folder"):
        datasets.hmdb51(root / "videos", convention="kaggle")


def test_jhmdb_keeps_clips_that_are_not_there_and_lists_them(tmp_path: Path) -> None:
    lists = {action: [row for row in rows if row[1]] for action, rows in LISTS.items()}
    write_lists(tmp_path / "splits", 1, lists)
    jhmdb = datasets.jhmdb(tmp_path)
    assert (len(jhmdb.train), len(jhmdb.test), len(jhmdb.missing)) == (3, 2, 5)
    assert jhmdb.train.paths[0] == str(tmp_path / "run" / "Movie_run_f_cm_np1_le_bad_18.avi")
    with pytest.raises(MissingFileError, match="none of the 5 listed clips"):
        datasets.jhmdb(tmp_path, absent="leave_out")


def test_jhmdb_masks_are_found_by_clip_in_both_layouts(touch: Touch, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="there is no mask"):
        datasets.jhmdb_masks(tmp_path)
    root = touch("masks/run/a.mat", "puppet_mask/walk/b/puppet_mask.mat")
    assert datasets.jhmdb_masks(root) == {
        "a": str(root / "masks/run/a.mat"),
        "b": str(root / "puppet_mask/walk/b/puppet_mask.mat"),
    }
