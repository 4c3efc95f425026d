"""What every reader returns: a `Dataset` of named `Split` objects.

A split holds, position by position, the path, the label (int64, an index into `classes`), the group
(performer, recording or source video) and the name of each sample, and, where a sample is a part of a
file, its span of frames. Nothing here opens a video. Both are frozen, compare by content, pickle, and
print sizes, not contents.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harkit.datasets import splitting
from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["Dataset", "Split"]

# A message names so many groups or files and counts the rest.
SHOWN = 5
# The official lists of HMDB51 mark these clips as neither training nor test.
UNUSED = "unused"


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Samples of one split, position by position.

    Attributes
    ----------
    name : str
        The split's name, such as ``"train"``.
    classes : tuple of str
        The class names; a label is an index into them.
    paths : list of str
        The video file, or the folder of frame images, of each sample.
    labels : ndarray of int64, shape (n,)
        The class of each sample.
    groups : list of str
        What samples must not be torn apart by: the performer, the recording or the source video. Where
        a set does not tell, each sample is its own group.
    names : list of str
        The sample's name in its data set; no name stands twice.
    ids : ndarray of int64, shape (n,)
        The number that the set's list gives the sample, or else its position; it orders `tfds_folds`.
    spans : ndarray of int64, shape (n, 2), or None
        Frames ``start`` (from 0) up to, not including, ``stop``, where samples are parts of a file.
    """

    name: str
    classes: tuple[str, ...]
    paths: list[str]
    labels: NDArray[np.int64]
    groups: list[str]
    names: list[str]
    ids: NDArray[np.int64] | None = None
    spans: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n = len(self.paths)
        labels = _integers(self.labels, (n,), "labels")
        ids = np.arange(n, dtype=np.int64) if self.ids is None else _integers(self.ids, (n,), "ids")
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "ids", ids)
        if self.spans is not None:
            object.__setattr__(self, "spans", _spans(self.spans, n))
        for what, values in (("groups", self.groups), ("names", self.names)):
            if len(values) != n:
                raise ArgumentError(f"`{what}` must hold one entry a path, got {len(values)} for {n} paths")
        outside = labels[(labels < 0) | (labels >= len(self.classes))]
        if outside.size:
            raise ArgumentError(
                f"`labels` must lie in 0..{len(self.classes) - 1} for {len(self.classes)} classes, "
                f"got {outside[0]}"
            )
        doubles = _doubles(self.names)
        if doubles:
            raise ArgumentError(f"`names` must not stand twice in split {self.name!r}: {_some(doubles)}")

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        parts = "" if self.spans is None else f", {len(set(self.paths))} files"
        return (
            f"Split({self.name!r}, {_count(len(self), 'sample')}{parts}, "
            f"{_count(len(self.classes), 'class', 'classes')}, {_count(len(set(self.groups)), 'group')})"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Split):
            return NotImplemented
        return _columns(self) == _columns(other)

    __hash__ = None  # type: ignore[assignment]

    def class_counts(self) -> dict[str, int]:
        """Return the number of samples of every class, in label order, zeros included."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return {name: int(count) for name, count in zip(self.classes, counts, strict=True)}

    def select(self, indices: Iterable[int], *, name: str | None = None) -> Split:
        """Return the samples at `indices`, in that order, as a split of its own.

        Parameters
        ----------
        indices : iterable of int
            Positions in this split; negative ones count from the end.
        name : str, optional
            The new split's name; the old one by default.
        """
        chosen = np.asarray(list(indices))
        if chosen.size and chosen.dtype.kind not in "iu":
            raise ArgumentTypeError(f"`indices` must be whole numbers, got {chosen.dtype}")
        chosen = chosen.astype(np.int64)
        outside = chosen[(chosen < -len(self)) | (chosen >= len(self))]
        if outside.size:
            raise ArgumentError(f"`indices` must lie in {-len(self)}..{len(self) - 1}, got {outside[0]}")
        return Split(
            name=self.name if name is None else name,
            classes=self.classes,
            paths=[self.paths[i] for i in chosen],
            labels=self.labels[chosen],
            groups=[self.groups[i] for i in chosen],
            names=[self.names[i] for i in chosen],
            ids=None if self.ids is None else self.ids[chosen],
            spans=None if self.spans is None else self.spans[chosen],
        )

    def divide(
        self,
        shares: Mapping[str, float],
        *,
        seed: int = 0,
        by: Literal["groups", "videos"] = "groups",
        stratified: bool = True,
        allow_shared_groups: bool = False,
    ) -> Dataset:
        """Divide the samples into named splits at random.

        Parameters
        ----------
        shares : mapping of str to float
            Names and shares of the splits, such as ``{"train": 0.8, "val": 0.1, "test": 0.1}``; the
            shares add up to 1.
        seed : int
            Another seed gives another division; the same gives the same on any machine.
        by : {"groups", "videos"}
            What stays together. Segments and blocks of one file never part.
        stratified : bool
            Keep each class near its share of every split. By videos this is exact to one; by groups it
            is as near as whole groups allow.
        allow_shared_groups : bool
            With ``by="videos"``, accept a group on two sides.

        Returns
        -------
        Dataset
            With the splits that `shares` names, each in the order of this split.

        Raises
        ------
        ArgumentError
            Shares that do not add up to 1; a split that would be empty; a group on two sides.

        Notes
        -----
        The draw orders videos by the SHA-256 of seed and name, so it depends neither on the listing
        order nor on which other videos there are.
        """
        parts = splitting.divide(self._units(by), self.labels, shares, seed=seed, stratified=stratified)
        return self._assemble(self.name, parts, allow_shared_groups)

    def folds(
        self,
        k: int,
        *,
        seed: int = 0,
        by: Literal["groups", "videos"] = "groups",
        stratified: bool = True,
        allow_shared_groups: bool = False,
    ) -> list[Dataset]:
        """Return `k` folds; each is held out once as ``.test``, with the others as ``.train``.

        Parameters
        ----------
        k : int
            Number of folds, at least 2.
        seed, by, stratified, allow_shared_groups
            As for `divide`.

        Returns
        -------
        list of Dataset
            Named ``fold 0`` onwards.

        Raises
        ------
        ArgumentError
            Fewer groups (or videos) than folds; a group on both sides of a fold.
        """
        parts = splitting.folds(self._units(by), self.labels, k, seed=seed, stratified=stratified)
        return [
            self._held_out(f"{self.name}, fold {fold}", test, allow_shared_groups)
            for fold, test in enumerate(parts)
        ]

    def leave_one_group_out(self) -> list[Dataset]:
        """Return one fold a group, in sorted order: the group is ``.test``, all others ``.train``.

        Raises
        ------
        ArgumentError
            All samples are of one group.
        """
        groups = sorted(set(self.groups))
        if len(groups) < 2:
            raise ArgumentError(f"leaving one group out needs at least two groups, got {len(groups)}")
        return [
            self._held_out(
                f"{self.name} without {group}",
                [i for i, own in enumerate(self.groups) if own == group],
                False,
            )
            for group in groups
        ]

    def tfds_folds(
        self,
        bounds: Sequence[int] = (0, 33, 66, 99, 100),
        *,
        key: str | None = None,
        allow_shared_groups: bool = False,
    ) -> list[Dataset]:
        """Return the percent folds of TensorFlow Datasets (``train[33%:66%]`` held out, and so on).

        Parameters
        ----------
        bounds : sequence of int
            Percent bounds, rising from 0 to 100; each neighbouring pair is one fold. The default is
            that of the report *dark-convnext-lstm*: ``range(0, 100, 100 // 3)`` makes four folds.
        key : str, optional
            The name that TFDS hashes with the ids; this split's name by default.
        allow_shared_groups : bool
            Hash order tears groups apart. The report's own folds do so (scenes of one recording stand on
            both sides, which explains 46 of 50 in a fold beside 14 of 96 on the test list): to repeat
            them, this has to be said.

        Returns
        -------
        list of Dataset
            ``.test`` is the held-out part, ``.train`` the rest, both in hash order.

        Raises
        ------
        ArgumentError
            Bounds that do not rise from 0 to 100; an empty fold; a group on both sides.

        Notes
        -----
        Samples are ordered by ``md5(name + decimal id)`` read as a 128-bit number, and a percent bound is
        rounded to the nearest integer, halves to even: 150 samples are cut at 0, 50, 99, 148, 150
        (TFDS 4.9, one shard).
        """
        assert self.ids is not None
        order = splitting.tfds_order(self.name if key is None else key, self.ids)
        cuts = splitting.percent_cuts(len(self), bounds)
        ordered = self.select(order)
        return [
            ordered._held_out(f"{self.name}, fold {fold}", range(start, stop), allow_shared_groups)
            for fold, (start, stop) in enumerate(pairwise(cuts))
        ]

    def _units(self, by: str) -> list[str]:
        """Return what stays together, for each sample."""
        if by not in ("groups", "videos"):
            raise ArgumentError(f"`by` must be one of 'groups', 'videos', got {by!r}")
        return self.groups if by == "groups" else self.paths

    def _held_out(self, name: str, test: Iterable[int], allow_shared_groups: bool) -> Dataset:  # noqa: FBT001
        held_out = list(test)
        chosen = set(held_out)
        rest = [i for i in range(len(self)) if i not in chosen]
        return self._assemble(name, {"train": rest, "test": held_out}, allow_shared_groups)

    def _assemble(self, name: str, parts: Mapping[str, Iterable[int]], allow: bool) -> Dataset:  # noqa: FBT001
        splits = {part: self.select(indices, name=part) for part, indices in parts.items()}
        return Dataset(name, splits, allow_shared_groups=allow)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A data set: its splits by name, and what its lists name that is not at hand.

    A group that stands in two splits is refused, because a model would be tested on people or scenes
    that it was trained on, unless `allow_shared_groups` says otherwise.

    Attributes
    ----------
    name : str
        The set's name, such as ``"kth"``.
    splits : mapping of str to Split
        ``"train"``, ``"val"``, ``"test"``, as far as the set has them; ``"all"`` for a set without
        splits; ``"unused"`` for clips that an official list leaves out.
    missing : tuple of str
        Samples that the set's lists name and that are not at hand, so that nothing is dropped silently.
    settings : mapping
        The arguments that the reader was called with, for records.
    allow_shared_groups : bool
        Whether a group may stand in two splits.
    """

    name: str
    splits: Mapping[str, Split]
    missing: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    allow_shared_groups: bool = False
    reader: Callable[..., Dataset] | None = None

    def __post_init__(self) -> None:
        if not self.splits:
            raise ArgumentError(f"{self.name}: a data set needs at least one split")
        for key, split in self.splits.items():
            if split.classes != self.classes:
                raise ArgumentError(f"{self.name}: split {key!r} has other classes than the others")
            if not len(split) and key != UNUSED:
                raise ArgumentError(f"{self.name}: split {key!r} is empty")
        doubles = _doubles([name for split in self.splits.values() for name in split.names])
        if doubles:
            raise ArgumentError(f"{self.name}: samples stand in two splits: {_some(doubles)}")
        if not self.allow_shared_groups:
            self._refuse_shared_groups()

    def _refuse_shared_groups(self) -> None:
        for (left, right), groups in self.shared_groups().items():
            raise ArgumentError(
                f"{self.name}: splits {left!r} and {right!r} share {_count(len(groups), 'group')} "
                f"({_some(groups)}), so what is tested was seen in training; keep groups together, or pass "
                f"`allow_shared_groups=True` where that is meant"
            )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(split)}" for name, split in self.splits.items())
        missing = f", missing {len(self.missing)}" if self.missing else ""
        shared = ", shared groups" if self.allow_shared_groups and self.shared_groups() else ""
        classes = _count(len(self.classes), "class", "classes")
        return f"Dataset({self.name!r}, {classes}, {sizes}{missing}{shared})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dataset):
            return NotImplemented
        return (self.name, dict(self.splits), self.missing) == (other.name, dict(other.splits), other.missing)

    __hash__ = None  # type: ignore[assignment]

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names; a label is an index into them."""
        return next(iter(self.splits.values())).classes

    @property
    def train(self) -> Split:
        """The training samples."""
        return self._split("train")

    @property
    def val(self) -> Split:
        """The validation samples."""
        return self._split("val")

    @property
    def test(self) -> Split:
        """The test samples."""
        return self._split("test")

    @property
    def all(self) -> Split:
        """Every sample of every split, one split after the other; unused clips of official lists too."""
        parts = list(self.splits.values())
        if len(parts) == 1:
            return dataclasses.replace(parts[0], name="all")
        spans = [part.spans for part in parts if part.spans is not None]
        return Split(
            name="all",
            classes=self.classes,
            paths=[path for part in parts for path in part.paths],
            labels=np.concatenate([part.labels for part in parts]),
            groups=[group for part in parts for group in part.groups],
            names=[name for part in parts for name in part.names],
            spans=np.concatenate(spans) if spans else None,
        )

    def _split(self, name: str) -> Split:
        try:
            return self.splits[name]
        except KeyError:
            have = ", ".join(repr(own) for own in self.splits)
            raise AttributeError(f"{self.name} has no split {name!r}, it has {have}") from None

    def with_split(self, split: str | int) -> Dataset:
        """Return the same set by another of its splits, such as ``kth.with_split("official")``.

        Parameters
        ----------
        split : str or int
            What the reader's argument `split` takes.

        Raises
        ------
        ArgumentError
            The set has one split only, or none by that name.
        """
        if self.reader is None or "split" not in self.settings:
            raise ArgumentError(f"{self.name} has no other splits to choose from, got `split` {split!r}")
        return self.reader(**{**self.settings, "split": split})

    def with_classes(self, classes: Sequence[str]) -> Dataset:
        """Return the samples of some classes only, relabelled in the order given.

        Parameters
        ----------
        classes : sequence of str
            Names out of `classes`.

        Raises
        ------
        ArgumentError
            An unknown name, one that stands twice, or a split left without samples.
        """
        unknown = [name for name in classes if name not in self.classes]
        if unknown:
            raise ArgumentError(
                f"{self.name} has no class {_some(unknown)}; it has {', '.join(self.classes)}"
            )
        if not classes or _doubles(classes):
            raise ArgumentError(f"`classes` must name classes, each once, got {list(classes)!r}")
        new_label = {self.classes.index(name): label for label, name in enumerate(classes)}
        splits = {}
        for key, split in self.splits.items():
            kept = split.select(i for i, label in enumerate(split.labels) if int(label) in new_label)
            labels = np.array([new_label[int(label)] for label in kept.labels], dtype=np.int64)
            splits[key] = dataclasses.replace(kept, classes=tuple(classes), labels=labels)
        return dataclasses.replace(self, splits=splits, reader=None)

    def shared_groups(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return, for each pair of splits that share groups, these groups in sorted order."""
        used = [(name, set(split.groups)) for name, split in self.splits.items() if name != UNUSED]
        shared = {
            (left, right): tuple(sorted(of_left & of_right))
            for (left, of_left), (right, of_right) in combinations(used, 2)
        }
        return {pair: groups for pair, groups in shared.items() if groups}


def _columns(split: Split) -> tuple[Any, ...]:
    """Everything a split holds, in a form that compares."""
    ids = None if split.ids is None else split.ids.tolist()
    spans = None if split.spans is None else split.spans.tolist()
    return (
        split.name,
        split.classes,
        split.paths,
        split.labels.tolist(),
        split.groups,
        split.names,
        ids,
        spans,
    )


def _integers(values: Any, shape: tuple[int, ...], what: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise ArgumentTypeError(f"`{what}` must be whole numbers, got {array.dtype}")
    if array.shape != shape:
        raise ArgumentError(f"`{what}` must have shape {shape}, got {array.shape}")
    return array.astype(np.int64)


def _spans(values: Any, n: int) -> NDArray[np.int64]:
    spans = _integers(np.asarray(values).reshape(n, 2) if n == 0 else values, (n, 2), "spans")
    wrong = spans[(spans[:, 0] < 0) | (spans[:, 1] <= spans[:, 0])]
    if wrong.size:
        raise ArgumentError(f"`spans` must be 0 <= start < stop, got {wrong[0].tolist()}")
    return spans


def _doubles(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    doubles: set[str] = set()
    for name in names:
        (doubles if name in seen else seen).add(name)
    return sorted(doubles)


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"
