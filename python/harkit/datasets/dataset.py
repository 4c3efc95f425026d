"""A data set: named splits, and what its lists name that is not at hand.

Every reader returns a `Dataset` of `Split` objects. Both are frozen, compare by content, pickle, and print
sizes, not contents.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from harkit.datasets._text import count, doubles_of, some
from harkit.datasets.split import Split
from harkit.errors import ArgumentError

__all__ = ["Dataset"]

# The official lists of HMDB51 mark these clips as neither training nor test.
UNUSED = "unused"


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
    reader : callable or None
        The reader that made the set; `with_split` calls it again.
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
        doubles = doubles_of([name for split in self.splits.values() for name in split.names])
        if doubles:
            raise ArgumentError(f"{self.name}: samples stand in two splits: {some(doubles)}")
        if not self.allow_shared_groups:
            self._refuse_shared_groups()

    def _refuse_shared_groups(self) -> None:
        for (left, right), groups in self.shared_groups().items():
            raise ArgumentError(
                f"{self.name}: splits {left!r} and {right!r} share {count(len(groups), 'group')} "
                f"({some(groups)}), so what is tested was seen in training; keep groups together, or pass "
                f"`allow_shared_groups=True` where that is meant"
            )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(split)}" for name, split in self.splits.items())
        missing = f", missing {len(self.missing)}" if self.missing else ""
        shared = ", shared groups" if self.allow_shared_groups and self.shared_groups() else ""
        classes = count(len(self.classes), "class", "classes")
        return f"Dataset({self.name!r}, {classes}, {sizes}{missing}{shared})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dataset):
            return NotImplemented
        return (self.name, dict(self.splits), self.missing) == (other.name, dict(other.splits), other.missing)

    # Compared by content, which no hash covers; None is Python's way to say so, which mypy does not know.
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

        Returns
        -------
        Dataset
            As the reader gives it, with all other arguments as they were.

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

        Returns
        -------
        Dataset
            With the same splits.

        Raises
        ------
        ArgumentError
            An unknown name, one that stands twice, or a split left without samples.
        """
        unknown = [name for name in classes if name not in self.classes]
        if unknown:
            raise ArgumentError(f"{self.name} has no class {some(unknown)}; it has {', '.join(self.classes)}")
        if not classes or doubles_of(classes):
            raise ArgumentError(f"`classes` must name classes, each once, got {list(classes)!r}")
        new_label = {self.classes.index(name): label for label, name in enumerate(classes)}
        splits = {}
        for key, split in self.splits.items():
            kept = split.select(i for i, label in enumerate(split.labels) if int(label) in new_label)
            labels = np.array([new_label[int(label)] for label in kept.labels], dtype=np.int64)
            splits[key] = dataclasses.replace(kept, classes=tuple(classes), labels=labels)
        return dataclasses.replace(self, splits=splits, reader=None)

    def shared_groups(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return the groups that stand in two splits.

        Returns
        -------
        dict of (str, str) to tuple of str
            For each pair of splits that shares groups, these groups, sorted.
        """
        used = [(name, set(split.groups)) for name, split in self.splits.items() if name != UNUSED]
        shared = {
            (left, right): tuple(sorted(of_left & of_right))
            for (left, of_left), (right, of_right) in combinations(used, 2)
        }
        return {pair: groups for pair, groups in shared.items() if groups}
