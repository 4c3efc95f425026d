"""Files of named tensors, read and written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit import _core
from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["Checkpoint", "read", "write"]


class Checkpoint(Mapping[str, NDArray[Any]]):
    """Named tensors of a file, in its order: a mapping of names to arrays.

    Arrays are read-only. Where the file holds the elements as NumPy would (in row-major order, aligned, not
    bfloat16), an array shares the mapped file and nothing is copied. The file must not be changed meanwhile.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        By name.
    dtypes : dict of str to str
        By name, as the file has them: NumPy's names, and ``"bfloat16"``, which becomes float32.
    metadata : dict of str to str
        What the file says beside its tensors; numbers are written out.

    See Also
    --------
    read : Gives one.

    Examples
    --------
    >>> import numpy as np
    >>> harkit.weights.write("tiny.safetensors", {"weight": np.eye(2, dtype=np.float32)})
    >>> checkpoint = harkit.weights.read("tiny.safetensors")
    >>> checkpoint
    Checkpoint(1 tensor, 4 values, float32)
    >>> checkpoint["weight"]
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, str]
    metadata: dict[str, str]

    def __init__(self, _opened: _core.Checkpoint) -> None:
        self._opened = _opened
        self.shapes = dict(zip(_opened.names, _opened.shapes, strict=True))
        self.dtypes = dict(zip(_opened.names, _opened.dtypes, strict=True))
        self.metadata = _opened.metadata

    def __getitem__(self, name: str) -> NDArray[Any]:
        array = self._opened.tensor(name) if isinstance(name, str) else None
        if array is None:
            raise KeyError(name)
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def __repr__(self) -> str:
        n_values = sum(int(np.prod(shape)) for shape in self.shapes.values())
        tensors = f"{len(self)} tensor{'' if len(self) == 1 else 's'}"
        return (
            ", ".join([f"Checkpoint({tensors}", f"{n_values:,} values", *sorted(set(self.dtypes.values()))])
            + ")"
        )


def read(
    path: str | os.PathLike[str], *, key: str | None = None, rename: Mapping[str, str] | None = None
) -> Checkpoint:
    """Open a checkpoint; its content tells which kind it is, not its name.

    Parameters
    ----------
    path : str or os.PathLike
        A safetensors file, a PyTorch file (either container), a folder of ``.npy`` files, one a tensor, or
        a single ``.npy`` file.
    key : str, optional
        The entry of a PyTorch file's dictionary that holds the tensors. By default the whole dictionary,
        or its only entry of the name ``state_dict``, ``model`` or ``model_state``.
    rename : mapping of str to str, optional
        New names for tensors; a name that is not listed stays.

    Returns
    -------
    Checkpoint
        The tensors, mapped.

    Raises
    ------
    MissingFileError, FilePermissionError, FileAccessError
        It is not there, or cannot be read.
    DecodeError
        It is truncated, damaged, or no checkpoint: empty, a web page, a pointer of git-lfs.
    UnsupportedError
        A pickle names what is no part of tensors (the error says what), or a type is not read.
    ArgumentError
        `key` is not there or not for this kind, or several entries hold tensors.

    Notes
    -----
    Nothing that a file names is ever imported or called: PyTorch's pickles are read by an interpreter of
    harkit's own that knows tensors, dictionaries, lists, text and numbers. Nested entries have names with
    dots (``backbone.conv1.weight``).

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> Path("folder").mkdir()
    >>> np.save("folder/bias.npy", np.zeros(3))
    >>> harkit.weights.read("folder").shapes
    {'bias': (3,)}
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentTypeError(f"`path` must be a path, got {type(path).__name__}")
    if key is not None and not isinstance(key, str):
        raise ArgumentTypeError(f"`key` must be a string or None, got {type(key).__name__}")
    return Checkpoint(_core.read_checkpoint(path, key, None if rename is None else dict(rename)))


def write(
    path: str | os.PathLike[str],
    tensors: Mapping[str, ArrayLike],
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors as a safetensors file.

    Parameters
    ----------
    path : str or os.PathLike
        The file. An older one is replaced when the new one is whole; nothing half is ever left there.
    tensors : mapping of str to array_like
        By name: booleans, integers and floats of NumPy's, up to 64 bits.
    metadata : mapping of str to str, optional
        Text to keep beside them.

    Raises
    ------
    ArgumentTypeError
        A name or metadata that is no string, or an array of another type.
    ArgumentError
        A name that is taken: ``__metadata__``.
    MissingFileError, FilePermissionError, FileAccessError
        The folder is not there, or cannot be written.

    Notes
    -----
    The same tensors and metadata always give the same bytes.

    References
    ----------
    https://github.com/huggingface/safetensors

    Examples
    --------
    >>> import numpy as np
    >>> harkit.weights.write("bias.safetensors", {"bias": np.zeros(3)}, metadata={"epoch": "7"})
    >>> harkit.weights.read("bias.safetensors").metadata
    {'epoch': '7'}
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentTypeError(f"`path` must be a path, got {type(path).__name__}")
    texts = {**(metadata or {})}
    for text in [*tensors, *texts, *texts.values()]:
        if not isinstance(text, str):
            raise ArgumentTypeError(f"names and metadata must be strings, got {text!r}")
    if "__metadata__" in tensors:
        raise ArgumentError("a tensor cannot have the name `__metadata__`, which the format keeps for text")
    _core.write_safetensors(path, [_as_bytes(name, array) for name, array in tensors.items()], texts)


def _as_bytes(name: str, given: ArrayLike) -> tuple[str, str, tuple[int, ...], NDArray[np.uint8]]:
    array = np.asarray(given)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise ArgumentTypeError(f"tensor `{name}` must hold booleans or numbers, got {array.dtype}")
    plain = np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")
    return name, plain.dtype.name, array.shape, plain.reshape(-1).view(np.uint8)
