from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harkit import datasets
from harkit.errors import ArgumentError, MissingFileError

Touch = Callable[..., Path]

HEAD = """\r
This database contains sequences of six classes of actions performed by\r
\r
Training:   person11, 12, 13, 14, 15, 16, 17, 18\r
Test:       person22, 02, 03, 05, 06, 07, 08, 09, 10 \r
\r
"""
# As published: tabs, blanks and both; an overlap, a frame shared, an order that runs backwards.
LIST = """\
person01_boxing_d1\t\tframes\t1-95, 96-185, 186-245, 246-360\r
person03_walking_d4\t\tframes\t1-92, 118-216, 232-338, 338-432\r
person07_running_d4\t\tframes\t1-52, 68-115, 310-358, 224-274\r
person12_handclapping_d4    \tframes\t1-133, 134-238, 237-344, 345-479\r
person13_handclapping_d3\t*missing*\r
person22_boxing_d1\t\tframes\t1-10,11 - 20 , 21-30
"""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "00sequences.txt"
    path.write_bytes((HEAD + LIST).encode())
    return path


def test_ranges_are_read_as_listed_neither_sorted_nor_merged(listed: Path) -> None:
    entries = {entry.name: entry for entry in datasets.kth_sequences(listed)}
    assert len(entries) == 6
    assert entries["person01_boxing_d1"].spans == ((0, 95), (95, 185), (185, 245), (245, 360))
    assert entries["person03_walking_d4"].spans[2:] == ((231, 338), (337, 432))
    assert entries["person07_running_d4"].spans == ((0, 52), (67, 115), (309, 358), (223, 274))
    assert entries["person12_handclapping_d4"].spans[1:3] == ((133, 238), (236, 344))
    assert entries["person22_boxing_d1"].spans == ((0, 10), (10, 20), (20, 30))
    one = entries["person13_handclapping_d3"]
    assert (
        one.missing and one.spans == () and (one.person, one.action, one.scenario) == (13, "handclapping", 3)
    )


def test_the_list_is_found_in_its_folder_and_read_without_a_head(listed: Path) -> None:
    with_head = datasets.kth_sequences(listed.parent)
    listed.write_text("\n\n".join(LIST.split("\r\n")))
    assert datasets.kth_sequences(listed) == with_head


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("person01_boxing_d2 frames 5-1", "line 2: expected a range of frames from 1, .* got '5-1'"),
        ("person01_boxing_d2 frames 0-9", "got '0-9'"),
        ("person01_boxing_d2 frames 1-9, ", "line 2: expected a range"),
        ("person01_boxing_d2 1-9", "line 2: expected 'personPP_action_dS frames"),
        ("person01_flying_d2 frames 1-9", "line 2: unknown action 'flying'"),
        ("person01_boxing_d1 frames 1-9", "line 2: person01_boxing_d1 stands twice"),
    ],
)
def test_a_line_that_cannot_be_is_an_error_that_names_it(listed: Path, line: str, says: str) -> None:
    listed.write_text(f"person01_boxing_d1 frames 1-9\n{line}\n")
    with pytest.raises(ArgumentError, match=says):
        datasets.kth_sequences(listed)


def test_a_text_without_sequences_is_refused(listed: Path) -> None:
    listed.write_text(HEAD)
    with pytest.raises(ArgumentError, match="there are no sequences in it"):
        datasets.kth_sequences(listed)


FILES = (
    "boxing/person01_boxing_d1_uncomp.avi",
    "boxing/person22_boxing_d1_uncomp.avi",
    "person18_jogging_d2.avi",
    "x/y/person12_handclapping_d4_uncomp.avi",
    "notes.avi",
)


def test_files_are_found_flat_and_nested_with_either_ending(touch: Touch) -> None:
    kth = datasets.kth(touch(*FILES))
    assert kth.train.names == ["person01_boxing_d1", "person12_handclapping_d4"]
    assert kth.val.names == ["person18_jogging_d2"] and kth.test.names == ["person22_boxing_d1"]
    assert kth.train.labels.tolist() == [0, 1] and kth.train.groups == ["person01", "person12"]
    assert Path(kth.train.paths[1]).name == "person12_handclapping_d4_uncomp.avi"


def test_missing_files_are_listed(touch: Touch) -> None:
    root = touch(*FILES)
    kth = datasets.kth(root)
    assert len(kth.missing) == 599 - 4 and "person13_handclapping_d3" not in kth.missing
    assert "person01_boxing_d2" in kth.missing
    with pytest.raises(MissingFileError, match="595 of 599 files are missing, first person01_boxing_d2"):
        datasets.kth(root, absent="error")
    kept = datasets.kth(root, absent="keep")
    assert len(kept.all) == 599 and kept.missing == kth.missing


def test_both_splits_are_by_person_and_lead_to_each_other(touch: Touch) -> None:
    root = touch(*FILES)
    report, official = datasets.kth(root), datasets.kth(root, split="official")
    assert official.train.groups == ["person12", "person18"]
    assert official.val.groups == ["person01"] and official.test.groups == ["person22"]
    assert report.with_split("official") == official and official.with_split("report") == report
    with pytest.raises(ArgumentError, match="`split` must be one of 'report', 'official', got 'mine'"):
        report.with_split("mine")


def test_the_whole_set_has_the_sizes_of_the_report(tmp_path: Path) -> None:
    report = datasets.kth(tmp_path, absent="keep")
    official = datasets.kth(tmp_path, absent="keep", split="official")
    assert [len(part) for part in report.splits.values()] == [407, 96, 96]
    assert [len(part) for part in official.splits.values()] == [191, 192, 216]
    assert list(report.train.class_counts().values()) == [68, 67, 68, 68, 68, 68]
    assert set(report.val.class_counts().values()) == set(report.test.class_counts().values()) == {16}
    assert list(report.all.class_counts().values()) == [100, 99, 100, 100, 100, 100]


def test_segments_are_samples_of_their_file(touch: Touch, listed: Path) -> None:
    root = touch(*(name for name in FILES if "jogging" not in name))
    kth = datasets.kth(root, segments=True)
    assert kth.train.names[:2] == ["person01_boxing_d1_1", "person01_boxing_d1_2"]
    assert len(kth.train) == 8 and len(set(kth.train.paths)) == 2
    assert kth.train.spans is not None and kth.train.spans[5].tolist() == [133, 238]
    assert kth.test.spans is not None and kth.test.spans.tolist() == [[0, 10], [10, 20], [20, 30]]
    elsewhere = listed.rename(listed.with_name("list.txt"))
    assert datasets.kth(root, segments=True, sequences=elsewhere).train == kth.train


def test_segments_need_the_list_and_an_entry_for_every_file(touch: Touch, tmp_path: Path) -> None:
    touch(*FILES)
    with pytest.raises(MissingFileError, match=r"00sequences.txt: there is no such list file"):
        datasets.kth(tmp_path, segments=True)
    (tmp_path / "00sequences.txt").write_text(LIST)
    with pytest.raises(ArgumentError, match=r"00sequences.txt has no entry for person18_jogging_d2"):
        datasets.kth(tmp_path, segments=True)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["person01_flying_d1.avi"], "unknown action 'flying'"),
        (["person26_boxing_d1.avi"], "the set has persons 1..25"),
        (
            ["a/person01_boxing_d1.avi", "b/person01_boxing_d1_uncomp.avi"],
            "person01_boxing_d1 lies there twice",
        ),
    ],
)
def test_files_that_cannot_be_are_refused(touch: Touch, names: list[str], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        datasets.kth(touch(*names))


def test_a_folder_without_kth_files_is_refused(touch: Touch) -> None:
    with pytest.raises(MissingFileError, match="there is no KTH file"):
        datasets.kth(touch("notes.avi"))
