from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest

import harkit
from harkit.datasets import Dataset, Split
from harkit.errors import ArgumentError, ArgumentTypeError


def split(name: str = "train", n: int = 4, **changes: Any) -> Split:
    values: dict[str, Any] = {
        "classes": ("run", "walk"),
        "paths": [f"{name}{i}.avi" for i in range(n)],
        "labels": np.arange(n) % 2,
        "groups": [f"{name}-person{i // 2}" for i in range(n)],
        "names": [f"{name}{i}" for i in range(n)],
    }
    return Split(name, **{**values, **changes})


def test_columns_have_their_types_and_a_length() -> None:
    own = split(labels=np.array([0, 1, 0, 1], dtype=np.uint8))
    assert len(own) == 4
    assert own.labels.dtype == np.int64 and own.labels.shape == (4,)
    assert own.ids is not None and own.ids.tolist() == [0, 1, 2, 3]
    assert own.spans is None
    assert all(type(path) is str for path in own.paths)


def test_a_split_keeps_its_labels_when_the_callers_array_changes() -> None:
    labels = np.array([0, 1, 0, 1])
    own = split(labels=labels)
    labels[:] = 1
    assert own.labels.tolist() == [0, 1, 0, 1]


def test_reprs_show_sizes_not_contents() -> None:
    assert repr(split()) == "Split('train', 4 samples, 2 classes, 2 groups)"
    assert repr(split(paths=["a.avi"] * 4, spans=[[i, i + 1] for i in range(4)])) == (
        "Split('train', 4 samples, 1 files, 2 classes, 2 groups)"
    )
    own = Dataset("toy", {"train": split(), "test": split("test", 2)}, ("lost",))
    assert repr(own) == "Dataset('toy', 2 classes, train 4, test 2, missing 1)"


def test_class_counts_stand_in_label_order_with_zeros() -> None:
    own = split(classes=("run", "walk", "sit"))
    assert own.class_counts() == {"run": 2, "walk": 2, "sit": 0}
    assert list(own.class_counts()) == ["run", "walk", "sit"]


def test_select_takes_all_columns_along_in_the_order_asked_for() -> None:
    own = split(spans=[[i, i + 5] for i in range(4)], ids=[7, 8, 9, 10])
    chosen = own.select([3, -4], name="two")
    assert (chosen.name, chosen.names, chosen.labels.tolist()) == ("two", ["train3", "train0"], [1, 0])
    assert chosen.ids is not None and chosen.ids.tolist() == [10, 7]
    assert chosen.spans is not None and chosen.spans.tolist() == [[3, 8], [0, 5]]
    assert len(own.select([])) == 0


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"labels": np.array([0, 1, 2, 0])}, ArgumentError, r"`labels` must lie in 0\.\.1 .*, got 2"),
        ({"labels": np.array([0, 1, -1, 0])}, ArgumentError, "got -1"),
        (
            {"labels": np.array([0.0, 1, 1, 0])},
            ArgumentTypeError,
            "whole numbers, got float64",
        ),
        ({"labels": np.array([0, 1])}, ArgumentError, r"`labels` must have shape \(4,\), got \(2,\)"),
        ({"groups": ["a"]}, ArgumentError, "`groups` must hold one entry a path, got 1 for 4 paths"),
        ({"names": ["a", "b", "a", "c"]}, ArgumentError, "`names` must not stand twice in split 'train': a"),
        (
            {"spans": np.array([[0, 5], [5, 9], [9, 9], [9, 12]])},
            ArgumentError,
            r"got \[9, 9\]",
        ),
        ({"spans": np.zeros((4, 3), int)}, ArgumentError, r"`spans` must have shape \(4, 2\)"),
    ],
)
def test_columns_that_do_not_fit_are_refused(changes: dict[str, Any], error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        split(**changes)


@pytest.mark.parametrize("indices", [[4], [-5]])
def test_positions_outside_a_split_are_refused(indices: list[int]) -> None:
    with pytest.raises(ArgumentError, match=r"`indices` must lie in -4\.\.3"):
        split().select(indices)


def test_a_group_on_both_sides_is_refused_and_named() -> None:
    left, right = split(), split("test", groups=["train-person1", "x", "y", "z"])
    with pytest.raises(ArgumentError, match=r"share 1 group \(train-person1\).*allow_shared_groups=True"):
        Dataset("toy", {"train": left, "test": right})


def test_a_group_on_both_sides_stays_where_it_is_asked_for_and_shows() -> None:
    right = split("test", groups=["train-person1", "x", "y", "z"])
    own = Dataset("toy", {"train": split(), "test": right}, allow_shared_groups=True)
    assert own.shared_groups() == {("train", "test"): ("train-person1",)}
    assert repr(own).endswith("test 4, shared groups)")


def test_clips_that_an_official_list_leaves_unused_may_share_groups() -> None:
    unused = split("unused", groups=["train-person0"] * 4)
    assert Dataset("toy", {"train": split(), "unused": unused}).shared_groups() == {}


def test_one_sample_in_two_splits_is_always_refused() -> None:
    with pytest.raises(ArgumentError, match="samples stand in two splits: train0"):
        Dataset("toy", {"train": split(), "test": split()}, allow_shared_groups=True)


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(ArgumentError, match="split 'test' is empty"):
        Dataset("toy", {"train": split(), "test": split("test", 0)})


def test_a_split_that_a_set_lacks_is_an_attribute_error_naming_those_it_has() -> None:
    own = Dataset("toy", {"train": split(), "test": split("test")})
    assert not hasattr(own, "val")
    with pytest.raises(AttributeError, match="toy has no split 'val', it has 'train', 'test'"):
        _ = own.val


def test_all_joins_the_splits_in_their_order() -> None:
    own = Dataset("toy", {"train": split(), "test": split("test", 2)}).all
    assert (own.name, own.names) == ("all", ["train0", "train1", "train2", "train3", "test0", "test1"])
    assert own.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_chosen_classes_are_relabelled_in_the_order_given() -> None:
    own = Dataset("toy", {"train": split(), "test": split("test")})
    swapped = own.with_classes(["walk", "run"])
    assert swapped.classes == ("walk", "run") and swapped.train.labels.tolist() == [1, 0, 1, 0]
    one = own.with_classes(["walk"])
    assert one.train.names == ["train1", "train3"] and one.train.labels.tolist() == [0, 0]
    with pytest.raises(ArgumentError, match="toy has no class fly; it has run, walk"):
        own.with_classes(["fly"])
    with pytest.raises(ArgumentError, match="each once"):
        own.with_classes(["run", "run"])


def test_sets_and_splits_pickle_copy_and_compare_by_content() -> None:
    own = Dataset("toy", {"train": split(), "test": split("test")}, ("lost",), {"root": "x"})
    for other in (pickle.loads(pickle.dumps(own)), copy.deepcopy(own)):
        assert other == own and other.train == own.train
    assert own.train != own.train.select([0, 1, 3, 2])
    assert own != dataclasses.replace(own, missing=())
    assert own.train != "train"


def test_sets_and_splits_are_frozen() -> None:
    own = Dataset("toy", {"train": split()})
    with pytest.raises(dataclasses.FrozenInstanceError):
        own.name = "other"
    with pytest.raises(dataclasses.FrozenInstanceError):
        own.train.paths = []


def test_a_set_without_other_splits_says_so() -> None:
    with pytest.raises(ArgumentError, match="toy has no other splits to choose from"):
        Dataset("toy", {"train": split()}).with_split("official")


def test_a_split_loads_as_a_list_of_videos_with_its_labels_and_spans(tmp_path: Any) -> None:
    clip = np.zeros((20, 32, 32, 3), np.uint8)
    clip[10:] = 255
    harkit.write_clip(tmp_path / "a.mkv", clip, codec="ffv1")
    own = split(n=2, paths=[str(tmp_path / "a.mkv")] * 2, labels=[1, 0], spans=[[0, 10], [10, 20]])
    batch = harkit.load_clips(own, harkit.ClipRecipe(sampling=harkit.sampling.Uniform(4)))
    assert batch.labels is not None and batch.labels.tolist() == [1, 0]
    assert batch.clips[0].max() < 10 and batch.clips[1].min() > 245
