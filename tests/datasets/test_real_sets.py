"""The published sets at hand, with the counts that their papers and the reports give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harkit import datasets
from harkit.errors import ArgumentError

TFDS = json.loads((Path(__file__).parents[1] / "golden" / "datasets" / "tfds.json").read_text())


def test_the_dark_set_is_complete(data: Path) -> None:
    dark = datasets.ee6222(data / "dark")
    assert dark.classes == ("Jump", "Run", "Sit", "Stand", "Turn", "Walk")
    assert list(dark.train.class_counts().values()) == [25] * 6
    assert list(dark.test.class_counts().values()) == [17, 15, 15, 16, 17, 16]
    assert dark.missing == () and all(Path(path).is_file() for path in dark.all.paths)
    recordings = {name: set() for name in dark.classes}
    for group in dark.train.groups:
        action, number = group.split("_")
        recordings[action].add(int(number))
    assert [sorted(own) for own in recordings.values()] == [
        [8, 11],
        [1, 11],
        [2, 4, 10],
        [2, 3, 5, 9],
        [1, 7],
        [10, 14],
    ]


@pytest.mark.reported
def test_the_reports_folds_of_the_dark_set_tear_recordings_and_are_asked_for_by_name(data: Path) -> None:
    train = datasets.ee6222(data / "dark").train
    with pytest.raises(ArgumentError, match="share 13 groups"):
        train.tfds_folds()
    folds = train.tfds_folds(allow_shared_groups=True)
    assert [[len(fold.train), len(fold.test)] for fold in folds] == TFDS["fold_sizes_train_val"]
    # The report's first clip in hash order is a Run.
    assert folds[0].test.names[0] == train.names[39] and folds[0].test.labels[0] == 1


def test_folds_of_the_dark_set_by_recording_are_near_even(data: Path) -> None:
    folds = datasets.ee6222(data / "dark").train.folds(2)
    assert all(fold.shared_groups() == {} and min(fold.test.class_counts().values()) >= 4 for fold in folds)
    assert abs(len(folds[0].test) - len(folds[1].test)) <= 2


def test_kth_at_hand(data: Path) -> None:
    kth = datasets.kth(data / "kth")
    assert [len(part) for part in kth.splits.values()] == [14, 2, 2] and len(kth.missing) == 599 - 18
    official = kth.with_split("official")
    assert [len(part) for part in official.splits.values()] == [5, 7, 6]
    segments = datasets.kth(data / "kth", segments=True)
    assert len(segments.all) == 72 and segments.all.groups[0] == "person01"


@pytest.mark.reported
def test_the_kth_list_has_the_segments_that_the_report_counts(data: Path) -> None:
    entries = datasets.kth_sequences(data / "kth")
    assert len(entries) == 600 and [entry.name for entry in entries if entry.missing] == [
        "person13_handclapping_d3"
    ]
    spans = [span for entry in entries for span in entry.spans]
    lengths = sorted(stop - start for start, stop in spans)
    assert len(spans) == 2391 and (lengths[0], lengths[-1], lengths[1195]) == (24, 362, 94)
    three = [entry.name for entry in entries if len(entry.spans) == 3]
    assert three == [
        "person11_boxing_d4",
        "person13_handwaving_d3",
        "person14_handwaving_d3",
        "person15_boxing_d4",
        "person22_boxing_d1",
    ]
    ends = [max(stop for _, stop in entry.spans) for entry in entries if entry.spans]
    assert (min(ends), max(ends), sorted(ends)[299]) == (204, 1492, 460)


@pytest.mark.reported
@pytest.mark.parametrize(("split", "sizes"), [("report", [1624, 384, 383]), ("official", [760, 768, 863])])
def test_all_kth_segments_divide_as_the_report_counts(data: Path, split: str, sizes: list[int]) -> None:
    kth = datasets.kth(data / "kth", split=split, segments=True, absent="keep")
    assert [len(part) for part in kth.splits.values()] == sizes
    assert list(kth.all.class_counts().values()) == [397, 396, 398, 400, 400, 400]


@pytest.mark.parametrize("split", [1, 2, 3])
def test_hmdb51_lists_have_their_published_sizes(data: Path, split: int) -> None:
    hmdb = datasets.hmdb51(data / "hmdb51", split=split, absent="keep")
    assert [len(part) for part in hmdb.splits.values()] == [3570, 1530, 1666] and len(hmdb.classes) == 51
    assert set(hmdb.train.class_counts().values()) == {70} and set(hmdb.test.class_counts().values()) == {30}
    assert hmdb.shared_groups() == {}
    films = {1: 133, 2: 149, 3: 144}
    with pytest.raises(ArgumentError, match=f"share {films[split]} groups"):
        datasets.hmdb51(data / "hmdb51", split=split, absent="keep", groups="film")


def test_hmdb51_at_hand(data: Path) -> None:
    eight = datasets.hmdb51(data / "hmdb51" / "videos_stabilized", splits=data / "hmdb51" / "splits")
    assert [len(part) for part in eight.splits.values()] == [56, 24]
    at_hand = [name for name, count in eight.all.class_counts().items() if count]
    chosen = eight.with_classes(at_hand)
    assert set(chosen.train.class_counts().values()) == {7} and set(chosen.test.class_counts().values()) == {
        3
    }


@pytest.mark.parametrize(("split", "sizes"), [(1, [660, 268]), (2, [658, 270]), (3, [663, 265])])
def test_jhmdb_lists_have_their_published_sizes(data: Path, split: int, sizes: list[int]) -> None:
    jhmdb = datasets.jhmdb(data / "jhmdb", split=split)
    assert [len(part) for part in jhmdb.splits.values()] == sizes and len(jhmdb.classes) == 21
    assert jhmdb.shared_groups() == {}
    masks = datasets.jhmdb_masks(data / "jhmdb")
    assert len(masks) == 14 and set(masks) <= set(jhmdb.all.names)


def test_weizmann_is_complete_in_its_ninety_clip_form(data: Path) -> None:
    own = datasets.weizmann(data / "weizmann")
    assert set(own.all.class_counts().values()) == {9} and own.missing == ()
    folds = own.all.leave_one_group_out()
    assert [(len(fold.train), len(fold.test)) for fold in folds] == [(80, 10)] * 9
