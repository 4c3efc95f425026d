from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkit.datasets import Split
from harkit.errors import ArgumentError, ArgumentTypeError

TFDS = json.loads((Path(__file__).parents[1] / "golden" / "datasets" / "tfds.json").read_text())
MadeUp = Callable[..., Split]
THREE = {"train": 0.8, "val": 0.1, "test": 0.1}


def test_fifty_videos_a_class_divide_into_forty_five_and_five(made_up: MadeUp) -> None:
    labels = [label for label in range(25) for _ in range(50)]
    own = made_up(labels, map(str, range(1250))).divide(THREE)
    assert [len(part) for part in own.splits.values()] == [1000, 125, 125]
    assert set(own.train.class_counts().values()) == {40}
    assert set(own.val.class_counts().values()) == set(own.test.class_counts().values()) == {5}


def test_a_division_follows_from_the_seed_alone(made_up: MadeUp) -> None:
    own = made_up([0, 1] * 30, map(str, range(60)))
    assert own.divide(THREE, seed=3) == own.divide(THREE, seed=3)
    assert own.divide(THREE, seed=3) != own.divide(THREE, seed=4)


def test_the_listing_order_does_not_matter(made_up: MadeUp) -> None:
    own = made_up([0, 1] * 30, [f"group{i}" for i in range(60)])
    order = random.Random(0).sample(range(60), 60)
    shuffled = own.select(order)
    assert sorted(own.divide(THREE).test.names) == sorted(shuffled.divide(THREE).test.names)


def test_parts_keep_the_order_of_the_split(made_up: MadeUp) -> None:
    own = made_up([0, 1] * 30, map(str, range(60)))
    for part in own.divide(THREE).splits.values():
        positions = [own.names.index(name) for name in part.names]
        assert positions == sorted(positions)


@given(
    units=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=12, max_size=80),
    seed=st.integers(0, 5),
    stratified=st.booleans(),
)
def test_division_by_groups_keeps_every_group_whole(
    made_up: MadeUp, units: list[tuple[int, int]], seed: int, *, stratified: bool
) -> None:
    own = made_up([label for label, _ in units], [f"g{group}" for _, group in units])
    try:
        parts = own.divide({"train": 0.6, "test": 0.4}, seed=seed, stratified=stratified)
    except ArgumentError as error:
        assert "would be empty" in str(error) and len(set(own.groups)) < 4
        return
    assert parts.shared_groups() == {}
    assert sorted(parts.all.names) == sorted(own.names)


@given(n=st.integers(2, 60), k=st.integers(2, 6), seed=st.integers(0, 5))
def test_folds_hold_every_sample_out_once(made_up: MadeUp, n: int, k: int, seed: int) -> None:
    own = made_up([i % 3 for i in range(n)], map(str, range(n)))
    if k > n:
        with pytest.raises(ArgumentError, match=r"`k` must lie in 2\.\."):
            own.folds(k, seed=seed)
        return
    folds = own.folds(k, seed=seed)
    assert Counter(name for fold in folds for name in fold.test.names) == Counter(own.names)
    assert all(sorted(fold.train.names + fold.test.names) == sorted(own.names) for fold in folds)
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


def test_three_stratified_folds_of_150_are_fifty_each_and_even_in_every_class(made_up: MadeUp) -> None:
    own = made_up([i // 25 for i in range(150)], map(str, range(150)))
    for fold in own.folds(3):
        assert len(fold.test) == 50 and set(fold.test.class_counts().values()) == {8, 9}


def test_folds_by_group_stay_near_even_where_groups_are_of_several_sizes(made_up: MadeUp) -> None:
    sizes = [12, 9, 8, 8, 5, 4, 3, 3, 2, 2]
    own = made_up([0] * sum(sizes), [f"g{g}" for g, size in enumerate(sizes) for _ in range(size)])
    sizes = [len(fold.test) for fold in own.folds(2)]
    assert sum(sizes) == 56 and max(sizes) - min(sizes) <= 2


def test_leaving_one_group_out_makes_one_fold_a_group_in_sorted_order(made_up: MadeUp) -> None:
    own = made_up([0, 1, 0, 1, 0, 1], ["ira", "ira", "eli", "eli", "ido", "ido"])
    folds = own.leave_one_group_out()
    assert [fold.name for fold in folds] == ["train without eli", "train without ido", "train without ira"]
    assert [fold.test.groups for fold in folds] == [[person] * 2 for person in ("eli", "ido", "ira")]
    assert all(len(fold.train) == 4 for fold in folds)
    with pytest.raises(ArgumentError, match="at least two groups, got 1"):
        own.select([0, 1]).leave_one_group_out()


def test_division_by_videos_is_refused_where_it_tears_a_group(made_up: MadeUp) -> None:
    own = made_up([0] * 20, ["one scene"] * 20)
    with pytest.raises(ArgumentError, match=r"share 1 group \(one scene\)"):
        own.divide({"train": 0.5, "test": 0.5}, by="videos")
    torn = own.divide({"train": 0.5, "test": 0.5}, by="videos", allow_shared_groups=True)
    assert [len(part) for part in torn.splits.values()] == [10, 10]


def test_segments_of_one_file_never_part(made_up: MadeUp) -> None:
    own = made_up([0] * 12, map(str, range(12)))
    segments = type(own)(
        "train",
        own.classes,
        [f"file{i // 4}.avi" for i in range(12)],
        own.labels,
        own.groups,
        own.names,
        spans=np.array([[10 * i, 10 * i + 10] for i in range(12)]),
    )
    for fold in segments.folds(3, by="videos"):
        assert len(set(fold.test.paths)) == 1 and not set(fold.test.paths) & set(fold.train.paths)


@pytest.mark.parametrize("keys", ["train", "val"])
def test_hash_order_is_that_of_tensorflow_datasets(made_up: MadeUp, keys: str) -> None:
    golden = TFDS[{"train": "train_order_keys_0_149", "val": "val_order_keys_0_95"}[keys]]
    own = made_up([0] * len(golden), map(str, range(len(golden))), name=keys)
    (fold, _) = own.tfds_folds((0, 50, 100))
    assert fold.test.ids is not None and fold.train.ids is not None
    assert [*fold.test.ids, *fold.train.ids] == golden


def test_percent_folds_have_the_sizes_of_tensorflow_datasets(made_up: MadeUp) -> None:
    own = made_up([0] * 150, map(str, range(150)))
    folds = own.tfds_folds()
    assert [[len(fold.train), len(fold.test)] for fold in folds] == TFDS["fold_sizes_train_val"]
    cuts = np.cumsum([0] + [len(fold.test) for fold in folds])
    assert cuts.tolist() == TFDS["bounds_150"]
    smaller = made_up([0] * 96, map(str, range(96))).tfds_folds()
    assert np.cumsum([0] + [len(fold.test) for fold in smaller]).tolist() == TFDS["bounds_96"]


def test_hash_order_follows_the_ids_of_the_list_not_positions(made_up: MadeUp) -> None:
    own = made_up([0] * 6, map(str, range(6)))
    backwards = own.select([5, 4, 3, 2, 1, 0])
    (fold, _), (other, _) = own.tfds_folds((0, 50, 100)), backwards.tfds_folds((0, 50, 100))
    assert fold.test.names == other.test.names


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"train": 0.8, "test": 0.1}, "must add up to 1"),
        ({}, "must add up to 1"),
        ({"train": 1.5, "test": -0.5}, r"must lie in \(0, 1\], got 1.5 for 'train'"),
        ({"train": 0.99, "test": 0.01}, "split 'test' would be empty: 10 units are too few"),
    ],
)
def test_shares_that_cannot_be_are_refused(made_up: MadeUp, shares: dict[str, float], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        made_up([0] * 10, map(str, range(10))).divide(shares)


@pytest.mark.parametrize("bounds", [(0, 100, 50), (10, 100), (0, 90), (0,), (0, 50, 50, 100)])
def test_bounds_that_do_not_rise_from_0_to_100_are_refused(made_up: MadeUp, bounds: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="`bounds` must rise from 0 to 100"):
        made_up([0] * 10, map(str, range(10))).tfds_folds(bounds)


def test_wrong_arguments_name_themselves(made_up: MadeUp) -> None:
    own = made_up([0] * 10, map(str, range(10)))
    with pytest.raises(ArgumentTypeError, match="`k` must be a whole number, got float"):
        own.folds(2.0)
    with pytest.raises(ArgumentTypeError, match="`seed` must be a whole number, got str"):
        own.folds(2, seed="0")
    with pytest.raises(ArgumentError, match="`by` must be one of 'groups', 'videos', got 'scenes'"):
        own.folds(2, by="scenes")
    with pytest.raises(ArgumentError, match="leave a fold of 10 samples empty"):
        own.tfds_folds((0, 1, 100))
