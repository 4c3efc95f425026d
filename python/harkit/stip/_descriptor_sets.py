"""Descriptors and points of many videos, on disk until they are looked at."""

from __future__ import annotations

import operator
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from harkit.cache import load_array
from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.stip._points import Points

__all__ = ["DescriptorSets", "Entry", "TemporaryFolder"]


class Entry(NamedTuple):
    """Where the arrays of one video lie, and how many rows and columns they have."""

    folder: Path
    n_points: int
    n_columns: int


class TemporaryFolder:
    """A folder that lives as long as this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="harkit-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class DescriptorSets(Sequence[NDArray[np.float32]]):
    """Descriptors of many videos, one array a video.

    ``sets[i]`` is the float32 array (N_i, D) of video i, mapped into memory and read-only. A slice, a list or
    an array of integers or booleans gives the sets of these videos. :class:`StipExtractor` makes them.

    Parameters
    ----------
    names : sequence of str
        What each video is called: its path, with the span of frames where it is a part of a file.
    entries : sequence of Entry
        Where each video's arrays lie.
    keeper : object, optional
        What holds a temporary folder; it is kept as long as these sets and those taken from them.

    Attributes
    ----------
    names : tuple of str
        As given.

    Examples
    --------
    >>> sets = harkit.stip.StipExtractor(descriptor="jet34").transform(paths)
    >>> len(sets), sets[0].dtype, sets.n_columns
    (4, dtype('float32'), 34)
    >>> len(sets.points(0)) == len(sets[0]) == int(sets.n_points[0])
    True
    >>> len(sets[[0, 2]])
    2
    """

    def __init__(self, names: Sequence[str], entries: Sequence[Entry], keeper: object = None) -> None:
        self.names = tuple(names)
        self._entries = tuple(entries)
        self._keeper = keeper

    @property
    def n_points(self) -> NDArray[np.int64]:
        """The number of points of each video, int64 of shape (len,)."""
        return np.array([entry.n_points for entry in self._entries], dtype=np.int64)

    @property
    def n_columns(self) -> int:
        """The width D of a descriptor; 0 where there is no video."""
        return self._entries[0].n_columns if self._entries else 0

    def points(self, index: int) -> Points:
        """Return the interest points of one video.

        Parameters
        ----------
        index : int
            The video; negative ones count from the end.

        Returns
        -------
        ndarray of POINT_DTYPE, shape (N_i,)
            The point of each row of ``sets[index]``, mapped and read-only.

        Raises
        ------
        IndexError
            There is no such video.
        """
        return self._mapped(index, "points")

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> DescriptorSets: ...
    @overload
    def __getitem__(self, index: Sequence[int] | NDArray[Any]) -> DescriptorSets: ...
    def __getitem__(self, index: Any) -> NDArray[np.float32] | DescriptorSets:
        if isinstance(index, slice):
            return self._taken(range(len(self))[index])
        if isinstance(index, (list, tuple, np.ndarray)) and np.ndim(index) == 1:
            return self._taken(_positions(index, len(self)))
        try:
            position = operator.index(index)
        except TypeError:
            got = type(index).__name__
            raise ArgumentTypeError(
                f"a video is chosen by an integer, a slice or a list, got {got}"
            ) from None
        return self._mapped(position, "descriptors")

    def __repr__(self) -> str:
        return f"DescriptorSets({len(self)} videos, {self.n_points.sum()} descriptors of {self.n_columns})"

    def __getstate__(self) -> dict[str, Any]:
        # The folder is that of the process that made it.
        return {**self.__dict__, "_keeper": None}

    def _mapped(self, index: int, name: str) -> NDArray[Any]:
        return load_array(self._entries[index].folder / f"{name}.npy")

    def _taken(self, positions: Sequence[int]) -> DescriptorSets:
        names = [self.names[i] for i in positions]
        return DescriptorSets(names, [self._entries[i] for i in positions], self._keeper)


def _positions(index: Sequence[Any] | NDArray[Any], n: int) -> list[int]:
    array = np.asarray(index)
    if array.size == 0:
        return []
    if array.dtype == bool:
        if len(array) != n:
            raise ArgumentError(f"a mask must have one entry a video, got {len(array)} for {n} videos")
        array = np.flatnonzero(array)
    if array.dtype.kind not in "iu":
        raise ArgumentTypeError(f"videos are chosen by integers or booleans, got {array.dtype}")
    return [int(i) for i in array]
