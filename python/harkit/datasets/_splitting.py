"""How samples are divided: seeded, stratified, whole groups, and the percent folds of TFDS.

Works on labels and on one *unit* a sample (what must stay together: a group, or a file); returns lists
of positions, ascending. Draws order units by the SHA-256 of seed and unit, so that they are the same on
every machine and version, whatever the listing order. Cost: O(n log n), by groups times splits x classes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import isclose

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentError, ArgumentTypeError

IntArray = NDArray[np.int64]


def divide(
    units: Sequence[str], labels: IntArray, shares: Mapping[str, float], *, seed: int, stratified: bool
) -> dict[str, list[int]]:
    """Divide positions among the names of `shares`, whole units only."""
    for name, share in shares.items():
        if not 0 < share <= 1:
            raise ArgumentError(f"`shares` must lie in (0, 1], got {share} for {name!r}")
    if not shares or not isclose(sum(shares.values()), 1, abs_tol=1e-9):
        raise ArgumentError(f"`shares` must add up to 1, got {dict(shares)}")
    parts = _deal(units, labels, list(shares.values()), seed=_seed(seed), stratified=stratified)
    for name, part in zip(shares, parts, strict=True):
        if not part:
            raise ArgumentError(f"split {name!r} would be empty: {len(set(units))} units are too few for it")
    return dict(zip(shares, parts, strict=True))


def folds(units: Sequence[str], labels: IntArray, k: int, *, seed: int, stratified: bool) -> list[list[int]]:
    """Return the positions held out in each of `k` folds."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise ArgumentTypeError(f"`k` must be a whole number, got {type(k).__name__}")
    if not 2 <= k <= len(set(units)):
        raise ArgumentError(f"`k` must lie in 2..{len(set(units))} (the number of units), got {k}")
    parts = _deal(units, labels, [1 / k] * int(k), seed=_seed(seed), stratified=stratified)
    if not all(parts):
        raise ArgumentError(f"`k` = {k} leaves a fold empty: the units are too few or too unequal")
    return parts


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise ArgumentTypeError(f"`seed` must be a whole number, got {type(seed).__name__}")
    return int(seed)


def draw_order(units: Iterable[str], seed: int) -> list[str]:
    """Return the distinct units in the random order that `seed` stands for."""

    def key(unit: str) -> bytes:
        return hashlib.sha256(f"{seed}/{unit}".encode(errors="surrogateescape")).digest()

    return sorted(set(units), key=key)


def _deal(
    units: Sequence[str], labels: IntArray, shares: Sequence[float], *, seed: int, stratified: bool
) -> list[list[int]]:
    """Deal whole units into parts; exact within a class where units are of one class and one size."""
    kinds = labels if stratified else np.zeros_like(labels)
    positions: dict[str, list[int]] = {unit: [] for unit in draw_order(units, seed)}
    for position, unit in enumerate(units):
        positions[unit].append(position)
    sizes = {unit: len(own) for unit, own in positions.items()}
    pure = all(len({int(kinds[i]) for i in own}) == 1 for own in positions.values())
    if pure and len(set(sizes.values())) <= 1:
        parts = _cut(positions, kinds, shares)
    else:
        parts = _balance(positions, kinds, shares)
    return [sorted(part) for part in parts]


def _cut(positions: Mapping[str, list[int]], kinds: IntArray, shares: Sequence[float]) -> list[list[int]]:
    """Cut each class's units, in drawn order, at its shares (50 at 0.8, 0.1, 0.1: 40, 5, 5).

    What is left after rounding down goes to the part that is owed most, so that the totals come out even.
    """
    parts: list[list[int]] = [[] for _ in shares]
    owed = np.zeros(len(shares))
    for kind in np.unique(kinds):
        units = [unit for unit, own in positions.items() if kinds[own[0]] == kind]
        wanted = np.array(shares) * len(units)
        counts = np.floor(wanted + 1e-9).astype(int)
        owed += wanted - counts
        for part in np.argsort(-owed, kind="stable")[: len(units) - int(counts.sum())]:
            counts[part] += 1
            owed[part] -= 1
        bounds = np.concatenate([[0], np.cumsum(counts)])
        for part, (start, stop) in enumerate(pairwise(bounds)):
            parts[part].extend(i for unit in units[start:stop] for i in positions[unit])
    return parts


def _balance(positions: Mapping[str, list[int]], kinds: IntArray, shares: Sequence[float]) -> list[list[int]]:
    """Give each unit, largest first, to the part whose class counts it brings nearest to their targets."""
    classes, kinds = np.unique(kinds, return_inverse=True)
    totals = np.bincount(kinds, minlength=len(classes))
    # One more column for the sum of all classes: parts are to be of their share's size, too.
    totals = np.append(totals, totals.sum())
    targets = np.outer(shares, totals)
    counts = np.zeros_like(targets)
    parts: list[list[int]] = [[] for _ in shares]
    for own in sorted(positions.values(), key=len, reverse=True):
        unit = np.append(np.bincount(kinds[own], minlength=len(classes)), len(own))
        # Growth of sum((count - target)^2 / target) when the unit joins a part.
        growth = ((2 * (counts - targets) + unit) * unit / targets).sum(axis=1)
        part = int(np.argmin(growth))
        parts[part].extend(own)
        counts[part] += unit
    return parts


def tfds_order(key: str, ids: IntArray) -> list[int]:
    """Return positions in the order of TensorFlow Datasets: ascending md5(key + decimal id)."""

    def digest(position: int) -> bytes:
        return hashlib.md5(f"{key}{int(ids[position])}".encode(), usedforsecurity=False).digest()

    return sorted(range(len(ids)), key=digest)


def percent_cuts(n: int, bounds: Sequence[int]) -> list[int]:
    """Return where percent `bounds` cut `n` samples: nearest integer, halves to even."""
    rising = all(left < right for left, right in pairwise(bounds))
    if len(bounds) < 2 or bounds[0] != 0 or bounds[-1] != 100 or not rising:
        raise ArgumentError(f"`bounds` must rise from 0 to 100, got {list(bounds)}")
    cuts = [round(Fraction(n * bound, 100)) for bound in bounds]
    if len(set(cuts)) < len(cuts):
        raise ArgumentError(f"`bounds` {list(bounds)} leave a fold of {n} samples empty")
    return cuts
