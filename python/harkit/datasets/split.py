"""Samples position by position: `Split`, and how it is divided.

A split holds, for each sample, the path, the label (int64, an index into `classes`), the group (performer,
recording or source video) and the name, and, where a sample is a part of a file, its span of frames.
Nothing here opens a video.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from harkit.datasets import _splitting
from harkit.datasets._text import count, doubles_of, some
from harkit.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    from harkit.datasets.dataset import Dataset

__all__ = ["Split"]


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
        doubles = doubles_of(self.names)
        if doubles:
            raise ArgumentError(f"`names` must not stand twice in split {self.name!r}: {some(doubles)}")

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        parts = "" if self.spans is None else f", {len(set(self.paths))} files"
        return (
            f"Split({self.name!r}, {count(len(self), 'sample')}{parts}, "
            f"{count(len(self.classes), 'class', 'classes')}, {count(len(set(self.groups)), 'group')})"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Split):
            return NotImplemented
        return _columns(self) == _columns(other)

    # Compared by content, which no hash covers; None is Python's way to say so, which mypy does not know.
    __hash__ = None  # type: ignore[assignment]

    @property
    def videos(self) -> list[str | tuple[str, int, int]]:
        """What each sample is read from, as a list that can be cut and shuffled.

        The path, or ``(path, start, stop)`` where samples are parts of a file: what
        :class:`harkit.stip.StipExtractor` takes, and scikit-learn's `GridSearchCV` in front of it.
        """
        if self.spans is None:
            return list(self.paths)
        both = zip(self.paths, self.spans.tolist(), strict=True)
        return [(path, start, stop) for path, (start, stop) in both]

    def class_counts(self) -> dict[str, int]:
        """Return the number of samples of every class.

        Returns
        -------
        dict of str to int
            In label order, classes without samples included.
        """
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

        Returns
        -------
        Split
            With all columns of the chosen samples.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            A position outside the split, or none that is a whole number.
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
        parts = _splitting.divide(self._units(by), self.labels, shares, seed=seed, stratified=stratified)
        return self._assemble(self.name, parts, allow=allow_shared_groups)

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
        parts = _splitting.folds(self._units(by), self.labels, k, seed=seed, stratified=stratified)
        return [
            self._held_out(f"{self.name}, fold {fold}", test, allow_shared_groups=allow_shared_groups)
            for fold, test in enumerate(parts)
        ]

    def leave_one_group_out(self) -> list[Dataset]:
        """Return one fold a group: the group is ``.test``, all others ``.train``.

        Returns
        -------
        list of Dataset
            Named ``<split> without <group>``, in the groups' sorted order.

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
                allow_shared_groups=False,
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
        order = _splitting.tfds_order(self.name if key is None else key, self.ids)
        cuts = _splitting.percent_cuts(len(self), bounds)
        ordered = self.select(order)
        return [
            ordered._held_out(
                f"{self.name}, fold {fold}", range(start, stop), allow_shared_groups=allow_shared_groups
            )
            for fold, (start, stop) in enumerate(pairwise(cuts))
        ]

    def _units(self, by: str) -> list[str]:
        """Return what stays together, for each sample."""
        if by not in ("groups", "videos"):
            raise ArgumentError(f"`by` must be one of 'groups', 'videos', got {by!r}")
        return self.groups if by == "groups" else self.paths

    def _held_out(self, name: str, test: Iterable[int], *, allow_shared_groups: bool) -> Dataset:
        held_out = list(test)
        chosen = set(held_out)
        rest = [i for i in range(len(self)) if i not in chosen]
        return self._assemble(name, {"train": rest, "test": held_out}, allow=allow_shared_groups)

    def _assemble(self, name: str, parts: Mapping[str, Iterable[int]], *, allow: bool) -> Dataset:
        splits = {part: self.select(indices, name=part) for part, indices in parts.items()}
        # A data set is made of splits, and a split divides into data sets.
        from harkit.datasets.dataset import Dataset

        return Dataset(name, splits, allow_shared_groups=allow)


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
