"""Seeded weights, inputs and projections, the same for the reference and for the network under test.

A golden file holds what a reference library computes; the weights and the inputs that it computed it from are
not stored, they follow from a seed and from the tensor's name by the rules below. The generators under
`tests/generate` and the tests both import this module, so it needs NumPy only.

The stream of a tensor is that of `numpy.random.PCG64([seed, crc32(name)])`, of which only `random_raw` is
used: NumPy promises that those words never change, while the streams of `Generator.normal` and the like may.
A value is the sum of the four 16-bit parts of one word, brought to mean 0 and variance 1 (nearly normal,
never beyond 3.47). Only integers are added and only one division, one multiplication and one square root are
rounded, so the values are equal to the last bit on every machine.

Scales are chosen so that values and gradients stay of order one from the first layer to the last, in
training mode and with frozen statistics, up to the 152 layers of the deepest network:

* `running_mean`: 0.1 times normal; `running_var`: uniform in 1 to 1.5; `num_batches_tracked`: 0;
* other tensors of one axis: biases 0.1 times normal, weights (of norms) 1 + 0.1 times normal;
* tensors of more axes (convolutions, matrices): normal with variance 2 / fan-in (He et al. 2015, equation
  10);
* the last norm of a residual block: weight times 0.3. With frozen statistics nothing else holds back the
  growth of the sum over fifty blocks. Which norm is the last is told by its name alone, see `LAST_NORM`.

A gradient of a million values is not stored either, but its Euclidean norm and eight projections: inner
products with vectors of random signs. For a vector of random signs s and any difference d, the mean of (s .
d)^2 is |d|^2. So, with p and q the projections of two tensors, `sqrt(mean((p - q)^2)) / norm` estimates their
relative distance |a - b| / |b|; from eight projections it lies within 0.6 and 1.4 of it nine times in ten.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# The last norm of a residual block, by the names of torchvision (basic block, bottleneck, inverted residual,
# video block), mmaction2 and efficientnet-lite-pytorch. `model` holds all names: a norm is the last when no
# later one is there.
LAST_NORM = re.compile(
    r"(?P<block>layer[1-4]\.\d+\.)(?:bn(?P<plain>\d)|conv(?P<video>\d)\.1|conv(?P<mmaction>\d)\.bn)\.weight$"
    r"|features\.\d+\.conv\.3\.weight$"
    r"|_blocks\.\d+\._bn2\.weight$"
)
RESIDUAL_SCALE = 0.3

_PIECE = 1 << 16  # words drawn at once: they stay in cache, however many weights there are


def _words(seed: int, name: str) -> np.random.PCG64:
    return np.random.PCG64([seed, zlib.crc32(name.encode())])


def _fill(seed: int, name: str, count: int, scale: float, shift: float) -> NDArray[np.float32]:
    """`shift` plus `scale` times values of mean 0 and variance 1."""
    words = _words(seed, name)
    values = np.empty(count, np.float32)
    # One part is uniform over 0..65535: its variance is (65536^2 - 1) / 12, that of the sum of four a third
    # of it.
    deviation = np.sqrt((65536.0**2 - 1.0) / 3.0)
    for start in range(0, count, _PIECE):
        piece = values[start : start + _PIECE]
        word = words.random_raw(piece.size)
        total = (word & 0xFFFF) + ((word >> 16) & 0xFFFF) + ((word >> 32) & 0xFFFF) + (word >> 48)
        piece[:] = (total.astype(np.float64) - 131070.0) / deviation * scale + shift
    return values


def seeded_input(shape: tuple[int, ...], seed: int, name: str = "input") -> NDArray[np.float32]:
    """Values of mean 0 and variance 1: an input, or under another name a cotangent."""
    return _fill(seed, name, int(np.prod(shape)), 1.0, 0.0).reshape(shape)


def seeded_order(count: int, seed: int, name: str) -> NDArray[np.intp]:
    """A permutation of 0..count-1: the order in which as many words of the stream sort."""
    return np.argsort(_words(seed, name).random_raw(count), kind="stable")


def seeded_weights(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, NDArray[np.float32]]:
    """Weights and running statistics of a network, each by its name and shape (see the module's text)."""
    last = _last_norms(shapes)
    return {name: _tensor(name, tuple(shape), seed, name in last) for name, shape in shapes.items()}


def _tensor(name: str, shape: tuple[int, ...], seed: int, last: bool) -> NDArray[np.float32]:  # noqa: FBT001 (private)
    count = int(np.prod(shape))
    kind = name.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return np.zeros(shape, np.float32)
    if kind == "running_mean":
        values = _fill(seed, name, count, 0.1, 0.0)
    elif kind == "running_var":
        words = _words(seed, name).random_raw(count)
        values = (1.0 + 0.5 * ((words >> 11) / 2.0**53)).astype(np.float32)
    elif len(shape) > 1:
        values = _fill(seed, name, count, float(np.sqrt(2.0 / np.prod(shape[1:]))), 0.0)
    elif kind == "weight":
        scale = RESIDUAL_SCALE if last else 1.0
        values = _fill(seed, name, count, 0.1 * scale, scale)
    else:
        values = _fill(seed, name, count, 0.1, 0.0)
    return values.reshape(shape)


def _last_norms(names: Mapping[str, object]) -> set[str]:
    """The names of the weights of the last norm of every residual block."""
    last: dict[str, tuple[int, str]] = {}
    for name in names:
        if not (match := LAST_NORM.search(name)):
            continue
        number = match["plain"] or match["video"] or match["mmaction"]
        block = match["block"] or name
        last[block] = max(last.get(block, (0, name)), (int(number or 0), name))
    return {name for _, name in last.values()}


def norm(array: NDArray[np.floating]) -> float:
    """The Euclidean norm of the flattened array, in float64."""
    return float(np.linalg.norm(np.asarray(array, np.float64).ravel()))


def scales(norms: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the distance of each gradient of a network is relative to: its norm, or of a zero the largest.

    Some gradients are zero but for rounding (a bias before a norm over the batch): their norms mean nothing.
    """
    largest = norms.max()
    return np.where(norms > 1e-9 * largest, norms, largest)


def projections(array: NDArray[np.floating], name: str, n: int = 8) -> NDArray[np.float64]:
    """Inner products of the flattened array with `n` vectors, up to eight, of random signs that `name` gives.

    Bit k of byte i of the stream is the sign of value i in projection k (1 is plus). The values that share a
    byte share all their signs, so one sum for each of the 256 bytes is enough.
    """
    if not 1 <= n <= 8:
        raise ValueError(f"`n` is {n}; a byte of the stream holds the signs of 1 to 8 projections")
    values = np.asarray(array, np.float64).ravel()
    words = _words(0, f"projections of {name}")
    sums = np.zeros(256)
    for start in range(0, values.size, 8 * _PIECE):
        piece = values[start : start + 8 * _PIECE]
        signs = words.random_raw(-(-piece.size // 8)).astype("<u8").view(np.uint8)[: piece.size]
        sums += np.bincount(signs, weights=piece, minlength=256)
    table = np.arange(256)[:, None] >> np.arange(n) & 1
    return sums @ (2.0 * table - 1.0)


def rounded(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """To the nearest float64 whose last two bytes are 0, which compress well; 37 bits are left."""
    bits = np.array(values, np.float64).view(np.uint64)
    kept: NDArray[np.float64] = ((bits + np.uint64(1 << 15)) & ~np.uint64((1 << 16) - 1)).view(np.float64)
    return kept
