"""What teaches and what is recognised: on the whole of KTH by its names, and with what is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from harkit import datasets, experiments
from harkit.errors import ArgumentError, MissingFileError
from harkit.experiments import Material, local_features

ACTIONS = ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")
REPORT = {"train": range(1, 18), "val": range(18, 22), "test": range(22, 26)}
OFFICIAL_TEST = {2, 3, 5, 6, 7, 8, 9, 10, 22}


def kth(folder: Path, persons: range, actions: tuple[str, ...] = ACTIONS) -> Path:
    """KTH's files by name, empty: a protocol opens none of them."""
    place = folder / "kth"
    place.mkdir(exist_ok=True)
    for person in persons:
        for action in actions:
            for scenario in range(1, 5):
                if (person, action, scenario) != (13, "handclapping", 3):
                    (place / f"person{person:02}_{action}_d{scenario}_uncomp.avi").touch()
    return place


def persons_of(split: datasets.Split) -> set[int]:
    return {int(group.removeprefix("person")) for group in split.groups}


def material(name: str, folder: Path) -> Material:
    return experiments.find(f"kth-stip-bow/{name}").material(folder)


@pytest.mark.parametrize("name", ["test", "val"])
def test_the_whole_of_kth_gives_the_sizes_of_the_report(tmp_path: Path, name: str) -> None:
    made = material(name, kth(tmp_path, range(1, 26)))
    [fold] = made.folds
    assert made.missing == () and len(fold.train) == 407 and len(fold.test) == 96
    assert fold.train.class_counts() == {**dict.fromkeys(ACTIONS, 68), "handclapping": 67}
    assert set(fold.test.class_counts().values()) == {16}
    assert persons_of(fold.train) == set(REPORT["train"]) and persons_of(fold.test) == set(REPORT[name])


def test_the_official_split_learns_from_training_and_validation_persons(tmp_path: Path) -> None:
    [fold] = material("official-files", kth(tmp_path, range(1, 26))).folds
    assert len(fold.train) == 191 + 192 and len(fold.test) == 216
    assert persons_of(fold.test) == OFFICIAL_TEST == set(range(1, 26)) - persons_of(fold.train)


def test_missing_files_are_those_that_the_protocol_uses(tmp_path: Path) -> None:
    folder = kth(tmp_path, range(1, 26))
    for name in ("person01_boxing_d2", "person19_running_d1", "person24_walking_d4"):
        (folder / f"{name}_uncomp.avi").unlink()
    assert material("test", folder).missing == ("person01_boxing_d2", "person24_walking_d4")
    assert material("val", folder).missing == ("person01_boxing_d2", "person19_running_d1")
    assert len(material("official-files", folder).missing) == 3
    assert material("lopo", folder).missing == ()


def test_a_class_that_is_not_there_leaves_the_others(tmp_path: Path) -> None:
    made = material("test", kth(tmp_path, range(16, 26), ("boxing", "walking")))
    [fold] = made.folds
    assert len(fold.train) == 2 * 8 and len(fold.test) == 4 * 8
    assert len(made.missing) == 407 + 96 - 6 * 8


def test_leaving_one_person_out_keeps_actions_of_two_persons(tmp_path: Path) -> None:
    kth(tmp_path, range(1, 4), ("boxing", "jogging"))
    made = material("lopo", kth(tmp_path, range(3, 4), ("walking",)))
    assert len(made.folds) == 3 and "(not handclapping, handwaving, running, walking)" in made.note
    for number, fold in enumerate(made.folds, 1):
        assert persons_of(fold.test) == {number}
        assert persons_of(fold.train) == {1, 2, 3} - {number}
        assert sum(fold.train.class_counts()[name] for name in ("boxing", "jogging")) == len(fold.train) == 16


def test_one_person_alone_cannot_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"action of two persons or more among the clips in .*kth"):
        material("lopo", kth(tmp_path, range(1, 2)))


@pytest.mark.parametrize("name", experiments.EXPERIMENTS)
def test_a_folder_that_is_not_there_is_an_error_of_the_experiment(tmp_path: Path, name: str) -> None:
    if name == "synthetic":  # it draws what it needs
        return
    with pytest.raises((MissingFileError, ArgumentError), match="nowhere"):
        experiments.run(experiments.find(name), tmp_path / "nowhere")


def test_an_unknown_experiment_or_mode_lists_those_that_there_are() -> None:
    with pytest.raises(ArgumentError, match=r"no experiment 'kth'; there are kth-stip-bow/test, .*dark-stip"):
        experiments.find("kth")
    with pytest.raises(ArgumentError, match=r"must be one of 'faithful', 'corrected', got 'fast'"):
        experiments.find("kth-stip-bow/test").mode("fast")
    assert experiments.find("kth-stip-bow/test").mode(None) == "faithful"


def test_the_reported_numbers_are_those_of_the_report() -> None:
    known = [e for e in experiments.EXPERIMENTS.values() if e.reported and e.id.startswith("kth")]
    reported = {e.id: (e.reported.hits, e.reported.n) for e in known if e.reported}
    assert reported == {"kth-stip-bow/test": (69, 96), "kth-stip-bow/val": (76, 96)}


def test_drawn_clips_are_of_other_performers_in_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_features, "_DRAWN_PER_CLASS", 3)
    [fold] = experiments.find("synthetic").material(tmp_path / "drawn").folds
    assert len(fold.train) + len(fold.test) == 18
    assert not set(fold.train.groups) & set(fold.test.groups)
    assert set(fold.train.labels) == set(fold.test.labels) == set(range(6))


# The sets at hand.


def test_weizmann_leaves_each_of_nine_persons_out(data: Path) -> None:
    made = experiments.find("weizmann/lopo").material(data / "weizmann")
    assert len(made.folds) == 9 and sum(len(fold.test) for fold in made.folds) == 90
    assert made.missing == ()


def test_a_part_of_weizmann_names_what_is_missing(tmp_path: Path) -> None:
    for name in ("bend/daria_bend", "bend/eli_bend", "walk/daria_walk", "walk/eli_walk"):
        (tmp_path / f"{name}.avi").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.avi").touch()
    made = experiments.find("weizmann/lopo").material(tmp_path)
    assert [len(fold.train) for fold in made.folds] == [2, 2]
    assert len(made.missing) == 90 - 4 and {"ido_bend", "daria_jack"} <= set(made.missing)


def test_the_dark_set_is_the_courses_lists(data: Path) -> None:
    [fold] = experiments.find("dark-stip").material(data / "dark").folds
    assert (len(fold.train), len(fold.test)) == (150, 96)
    assert not set(fold.train.paths) & set(fold.test.paths)


def test_hmdb51_keeps_the_classes_at_hand(data: Path) -> None:
    [fold] = experiments.find("hmdb51-stip").material(data / "hmdb51").folds
    for part in (fold.train, fold.test):
        assert min(part.class_counts().values()) >= 2
    assert not set(fold.train.paths) & set(fold.test.paths)


def test_the_clips_of_kth_at_hand_are_a_part(data: Path) -> None:
    for name in ("test", "val"):
        made = material(name, data / "kth")
        [fold] = made.folds
        assert len(fold.train) + len(fold.test) + len(made.missing) == 407 + 96
