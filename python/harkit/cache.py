"""Features on disk, found again by content and settings.

An entry is a folder of ``.npy`` files, one an array, with ``entry.json`` beside them: the settings in
plain JSON, to be read by people. Its name is the SHA-256 of these settings, to which whoever computes
adds the hash of the file that they were computed from (`content_hash`); so a renamed video is
found, and a changed one is not.

An entry is written under another name and renamed when it is whole. A process that is killed leaves no half
entry behind, and of two that compute the same one at once the first to finish is kept, as both have the
same. Arrays come back mapped into memory and read-only: what is not looked at is not read.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit._hashing import file_hash
from harkit.errors import (
    ArgumentError,
    ArgumentTypeError,
    FileAccessError,
    FilePermissionError,
    MissingFileError,
)

__all__ = ["FeatureCache", "content_hash", "load_array"]

_ENTRY = "entry.json"
_UNFINISHED = "unfinished"
# Seconds after which what a killed process left unfinished is removed.
_STALE = 24 * 3600
# NumPy parses headers with `ast`, which threads may not do at once in some Pythons 3.11 (SystemError,
# "AST constructor recursion depth mismatch", CPython issue 106905).
_PARSING = threading.Lock()


class FeatureCache:
    """Arrays on disk, by what they were computed from.

    Parameters
    ----------
    folder : str or os.PathLike
        Where entries lie; made with the first of them. Several processes may share it.

    Attributes
    ----------
    folder : pathlib.Path
        As given.

    Notes
    -----
    Nothing is ever removed: the folder may be deleted, as a whole or entry by entry, at any time when
    no one computes.

    Examples
    --------
    >>> import numpy as np
    >>> cache = harkit.cache.FeatureCache("features")
    >>> key = {"video": harkit.cache.content_hash(path), "threshold": 0.01}
    >>> cache.get_or_compute(key, lambda: {"points": np.zeros((5, 3), np.float32)})["points"].shape
    (5, 3)
    >>> key in cache
    True
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise ArgumentTypeError(f"`folder` must be a path, got {type(folder).__name__}")
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"FeatureCache({str(self.folder)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FeatureCache) and self.folder == other.folder

    def __hash__(self) -> int:
        return hash(self.folder)

    def __contains__(self, key_parts: Mapping[str, Any]) -> bool:
        return self.get(key_parts) is not None

    def path(self, key_parts: Mapping[str, Any]) -> Path:
        """Return the folder in which an entry lies, or would lie.

        Parameters
        ----------
        key_parts : mapping of str to JSON values
            What the arrays are computed from: numbers, strings, None, lists, mappings, paths and option
            objects (frozen dataclasses). The order of a mapping does not matter.

        Returns
        -------
        pathlib.Path
            Named by the SHA-256 of `key_parts`.

        Raises
        ------
        ArgumentTypeError
            A value that JSON does not know.
        ArgumentError
            A number that is not finite.
        """
        name = hashlib.sha256(_as_json(key_parts).encode()).hexdigest()
        return self.folder / name[:2] / name[2:]

    def get(self, key_parts: Mapping[str, Any]) -> dict[str, NDArray[Any]] | None:
        """Return an entry that is there.

        Parameters
        ----------
        key_parts : mapping of str to JSON values
            As for `path`.

        Returns
        -------
        dict of str to ndarray, or None
            The arrays by name, mapped and read-only; None where there is no entry, or a damaged one.
        """
        return _load_entry(self.path(key_parts))

    def get_or_compute(
        self, key_parts: Mapping[str, Any], compute: Callable[[], Mapping[str, ArrayLike]]
    ) -> dict[str, NDArray[Any]]:
        """Return an entry, computed and written first where it is not there.

        Parameters
        ----------
        key_parts : mapping of str to JSON values
            As for `path`.
        compute : callable
            Gives the arrays by name; called only where there is no entry, or a damaged one.

        Returns
        -------
        dict of str to ndarray
            The arrays by name, mapped and read-only.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            A key as for `path`; a name that is no identifier; an array of objects.
        FileAccessError, FilePermissionError
            The folder cannot be written.
        """
        path = self.path(key_parts)
        entry = _load_entry(path)
        if entry is None:
            arrays = _checked(compute())
            try:
                self._write(path, arrays, key_parts)
            except PermissionError as error:
                raise FilePermissionError(f"{self.folder}: {error.strerror}", path=self.folder) from error
            except OSError as error:
                raise FileAccessError(f"{self.folder}: {error}", path=self.folder) from error
            entry = _load_entry(path)
        if entry is None:
            raise FileAccessError(f"{path}: cannot be read back", path=path)
        return entry

    def _write(self, path: Path, arrays: Mapping[str, NDArray[Any]], key_parts: Mapping[str, Any]) -> None:
        unfinished = self.folder / _UNFINISHED
        unfinished.mkdir(parents=True, exist_ok=True)
        _remove_stale(unfinished)
        whole = Path(tempfile.mkdtemp(dir=unfinished))
        try:
            for name, array in arrays.items():
                with (whole / f"{name}.npy").open("wb") as file:
                    np.save(file, array, allow_pickle=False)
            text = f'{{"arrays": {json.dumps(sorted(arrays))}, "key": {_as_json(key_parts)}}}\n'
            (whole / _ENTRY).write_text(text, encoding="utf-8")
            path.parent.mkdir(exist_ok=True)
            _take_place(whole, path)
        finally:
            shutil.rmtree(whole, ignore_errors=True)


def _load_entry(path: Path) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of the entry in a folder, or None where it is not there or not whole."""
    try:
        listing = json.loads((path / _ENTRY).read_text(encoding="utf-8"))
        return {name: load_array(path / f"{name}.npy") for name in listing["arrays"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load_array(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Map the array of a ``.npy`` file into memory, from any thread.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    ndarray
        Read-only.

    Raises
    ------
    OSError, ValueError
        There is no such file, or it is no array of plain values.
    """
    with _PARSING:
        array: NDArray[Any] = np.load(path, mmap_mode="r")
    return array


def content_hash(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, or of a folder's files and their names.

    Parameters
    ----------
    path : str or os.PathLike
        A video, or a folder of frame images.

    Returns
    -------
    str
        64 hexadecimal digits. A file that keeps its size and time of change is read once a process.

    Raises
    ------
    MissingFileError, FilePermissionError, FileAccessError
        It is not there, or cannot be read.

    Examples
    --------
    >>> len(harkit.cache.content_hash(path))
    64
    """
    place = Path(path)
    try:
        if not place.is_dir():
            return file_hash(place)
        listed = sorted(file for file in place.iterdir() if file.is_file())
        both = [f"{file.name}\0{file_hash(file)}\n" for file in listed]
        return hashlib.sha256("".join(both).encode()).hexdigest()
    except FileNotFoundError:
        raise MissingFileError(f"{place}: no such file or folder", path=place) from None
    except PermissionError as error:
        raise FilePermissionError(f"{place}: {error.strerror}", path=place) from error
    except OSError as error:
        raise FileAccessError(f"{place}: {error}", path=place) from error


def _take_place(whole: Path, path: Path) -> None:
    """Rename a finished entry to its place; another process may have been quicker, or left a damaged one."""
    for _ in range(2):
        try:
            whole.rename(path)
            return
        except OSError:
            if not path.exists():
                raise
        if _load_entry(path) is not None:
            return
        shutil.rmtree(path, ignore_errors=True)
    whole.rename(path)


def _remove_stale(unfinished: Path) -> None:
    for left in unfinished.iterdir():
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE:
                shutil.rmtree(left, ignore_errors=True)


def _checked(arrays: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    checked = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in checked.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ArgumentError(f"the name of a cached array must be an identifier, got {name!r}")
        if array.dtype.hasobject:
            raise ArgumentTypeError(f"the cached array `{name}` must hold numbers, got {array.dtype}")
    return checked


def _as_json(key_parts: Mapping[str, Any]) -> str:
    if not isinstance(key_parts, Mapping):
        raise ArgumentTypeError(f"`key_parts` must be a mapping, got {type(key_parts).__name__}")
    try:
        return json.dumps(_plain(key_parts), sort_keys=True, allow_nan=False)
    except ValueError as error:
        raise ArgumentError(f"`key_parts` must hold finite numbers: {key_parts!r}") from error


def _plain(value: Any) -> Any:
    """Return what JSON takes, equal for equal settings."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        options = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {type(value).__name__: options}
    raise ArgumentTypeError(f"`key_parts` must hold plain values, got {type(value).__name__}: {value!r}")
