"""Each kind of checkpoint against the arrays that PyTorch, NumPy and safetensors find in it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import harkit
from harkit.errors import ArgumentError, DecodeError, MissingFileError, UnsupportedError

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"
PYTORCH = sorted(path.stem for path in GOLDEN.glob("*.pth"))


def assert_equal_arrays(found: harkit.weights.Checkpoint, expected: dict[str, np.ndarray]) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].shape == found.shapes[name] == array.shape, name
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("name", PYTORCH)
def test_a_pytorch_file_gives_pytorchs_arrays(name: str) -> None:
    with np.load(GOLDEN / f"{name}.npz") as expected:
        found = harkit.weights.read(GOLDEN / f"{name}.pth")
        assert_equal_arrays(found, dict(expected))


def test_tensors_come_in_the_order_of_the_file_with_their_types() -> None:
    found = harkit.weights.read(GOLDEN / "dtypes-zip.pth")
    assert list(found.dtypes)[:3] == ["bool", "uint8", "int8"]
    assert all(name == dtype for name, dtype in found.dtypes.items()) and len(found.dtypes) == 13
    assert repr(found).startswith("Checkpoint(13 tensors, 78 values, bfloat16, bool,")


def test_what_is_no_tensor_is_metadata_where_it_is_text_or_a_number() -> None:
    for name in ("nested-zip", "nested-legacy"):
        metadata = harkit.weights.read(GOLDEN / f"{name}.pth").metadata
        simple = {"epoch": "3", "rate": "0.001", "name": "tiny", "nothing": "None"}
        assert metadata == simple | {"size.0": "2", "size.1": "3", "scalar": "0.5", "count": "-9"}


def test_the_entry_with_the_tensors_is_found_or_named() -> None:
    path = GOLDEN / "wrapped-zip.pth"
    found = harkit.weights.read(path)
    assert list(found) == ["stem.weight", "stem.bias"] == list(harkit.weights.read(path, key="state_dict"))
    assert found.metadata["meta.epoch"] == "7"
    momentum = harkit.weights.read(path, key="optimizer")
    assert list(momentum) == ["state.0.momentum_buffer"]
    with pytest.raises(ArgumentError, match='"model" is not there; its keys are `meta`, `state_dict`, `opt'):
        harkit.weights.read(path, key="model")
    with pytest.raises(ArgumentError, match="`key` is for PyTorch files"):
        harkit.weights.read(GOLDEN, key="model")
    with pytest.raises(DecodeError, match="holds no tensors; its keys are `meta`"):
        harkit.weights.read(path, key="meta")


def rewritten(name: str, change: Callable[[str, bytes], bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A file of PyTorch's with other entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(GOLDEN / f"{name}.pth") as old, zipfile.ZipFile(buffer, "w", method) as new:
        for entry in old.namelist():
            new.writestr(entry, change(entry, old.read(entry)))
    return buffer.getvalue()


def test_a_file_from_a_big_endian_machine_is_turned_round(tmp_path: Path) -> None:
    def swap(entry: str, content: bytes) -> bytes:
        if entry.endswith("byteorder"):
            return b"big"
        return np.frombuffer(content, "<f4").astype(">f4").tobytes() if "/data/" in entry else content

    (tmp_path / "big.pth").write_bytes(rewritten("wrapped-zip", swap))
    with np.load(GOLDEN / "wrapped-zip.npz") as expected:
        assert_equal_arrays(harkit.weights.read(tmp_path / "big.pth"), dict(expected))


def test_a_zip_file_without_64_bit_fields_is_read_like_one_with_them(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(rewritten("nested-zip", lambda _, content: content))
    with np.load(GOLDEN / "nested-zip.npz") as expected:
        assert_equal_arrays(harkit.weights.read(tmp_path / "plain"), dict(expected))


def test_arrays_share_the_mapped_file_and_cannot_be_written() -> None:
    found = harkit.weights.read(GOLDEN / "nested-zip.pth")
    whole, sliced = found["views.whole"], found["views.sliced"]
    assert np.shares_memory(whole, found["views.whole"]) and np.shares_memory(whole, found["views.offset"])
    assert not np.shares_memory(whole, sliced)
    del found  # the arrays keep the file
    assert sliced.sum() == 444 and whole.sum() == 1770
    for array in (whole, sliced):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        whole.setflags(write=True)


def test_a_checkpoint_is_a_mapping() -> None:
    found = harkit.weights.read(GOLDEN / "wrapped-zip.pth")
    assert len(found) == 2 and "stem.bias" in found and found.get("stem.gamma") is None
    with pytest.raises(KeyError, match=r"stem\.gamma"):
        found["stem.gamma"]
    assert {name: array.shape for name, array in found.items()} == found.shapes


def test_tensors_are_renamed() -> None:
    found = harkit.weights.read(GOLDEN / "wrapped-zip.pth", rename={"stem.bias": "b"})
    assert list(found) == ["stem.weight", "b"] and found["b"][0] == 0.5
    with pytest.raises(DecodeError, match=r"wrapped-zip.pth: has no tensor `stem.b`, which is to be renamed"):
        harkit.weights.read(GOLDEN / "wrapped-zip.pth", rename={"stem.b": "b"})


@pytest.mark.parametrize(
    "dtype", ["?", "u1", "i1", *("<>"[i] + t for t in ("u2", "i4", "f2", "f4", "f8") for i in (0, 1))]
)
def test_a_folder_of_npy_files_gives_numpys_arrays(dtype: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 100, (3, 4, 5)).astype(dtype)
    arrays = {"a": values, "b.turned": np.asfortranarray(values), "c": values[0, 0, 0], "d": values[:0]}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "README.md").write_text("not a tensor")
    native = {name: array.astype(array.dtype.newbyteorder("=")) for name, array in arrays.items()}
    found = harkit.weights.read(tmp_path)
    assert_equal_arrays(found, native)
    assert list(found) == sorted(arrays)
    assert_equal_arrays(harkit.weights.read(tmp_path / "a.npy"), {"a": native["a"]})


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_npy_is_read(version: tuple[int, int], tmp_path: Path) -> None:
    values = np.arange(6.0).reshape(2, 3)
    with (tmp_path / "v.npy").open("wb") as file:
        np.lib.format.write_array(file, values, version=version)
    assert_equal_arrays(harkit.weights.read(tmp_path), {"v": values})


def test_a_npy_file_of_pickled_objects_or_structures_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}, []], object), allow_pickle=True)
    with pytest.raises(UnsupportedError, match="tensor `objects` holds pickled Python objects"):
        harkit.weights.read(tmp_path)
    np.save(tmp_path / "objects.npy", np.zeros(2, [("a", "f4")]))
    with pytest.raises(DecodeError, match=r"tensor `objects` .*structured types are not read"):
        harkit.weights.read(tmp_path)


def test_a_safetensors_file_gives_the_arrays_that_safetensors_finds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    dtypes = ["?", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8"]
    named = {dtype: rng.integers(0, 2, (2, 3)).astype(dtype) for dtype in dtypes}
    named |= {"scalar": np.array(2.5), "none": np.zeros((0, 3), np.float32)}
    assert len(named) == 14
    safetensors.numpy.save_file(named, tmp_path / "model", metadata={"format": "np"})
    found = harkit.weights.read(tmp_path / "model")
    assert_equal_arrays(found, named)
    assert found.metadata == {"format": "np"}


def bfloat16_file() -> bytes:
    header = b'{"x":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]}}'
    data = (np.array([1.0, -2.5, 3.140625], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return len(header).to_bytes(8, "little") + header + data.tobytes()


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bfloat16_file())
    found = harkit.weights.read(tmp_path / "x")
    assert found.dtypes == {"x": "bfloat16"}
    np.testing.assert_array_equal(found["x"], np.array([1.0, -2.5, 3.140625], np.float32))


def header_of(text: str, data: bytes = b"") -> bytes:
    return len(text).to_bytes(8, "little") + text.encode() + data


TENSOR = '"{}":{{"dtype":"F32","shape":[2],"data_offsets":[{},{}]}}'
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 10245\n"
LOCAL = (GOLDEN / "wrapped-zip.pth").read_bytes()
# What a file holds, and what the error says of it.
NO_CHECKPOINTS = {
    "empty": (b"", "is empty"),
    "page": (b"\n<!DOCTYPE html><html><body>404</body></html>", "is a web page, not weights"),
    "pointer": (LFS, r"is a pointer of git-lfs, .* \(10245 bytes\)"),
    "text": (b"Epoch 3, loss 0.5", "is no checkpoint that is read .* begins with the bytes 45 70 6f"),
    "keras": (b"\x89HDF\r\n\x1a\n" + bytes(80), "is an HDF5 file"),
    "gzip": (b"\x1f\x8b\x08" + bytes(80), "is compressed by gzip"),
    "cut zip": (LOCAL[:-30], "is a damaged zip file: .* truncated"),
    "half zip": (LOCAL[: len(LOCAL) // 2], "is a damaged zip file: .* truncated"),
    "npz": (b"", "is a zip file, but none of PyTorch's"),
    "changed zip": (LOCAL.replace(np.float32(3).tobytes(), b"abcd"), "tensor `stem.weight`.* checksum"),
    "compressed zip": (b"", r"`wrapped-zip/byteorder` is compressed"),
    "lost storage": (b"", "tensor `stem.bias`: its entry .*/data/1` is missing or has not the 8 bytes"),
    "cut legacy": ((GOLDEN / "nested-legacy.pth").read_bytes()[:-9], "is truncated: it ends in storage"),
    "cut pickle": ((GOLDEN / "nested-legacy.pth").read_bytes()[:700], "has a damaged pickle: it ends early"),
    "pickle": (b"\x80\x02]q\x00.", "is a pickle, but none of PyTorch's"),
    "long header": (b"\xff" * 7 + b"\x00{}", "not a whole safetensors file"),
    "cut header": (header_of("{" + TENSOR.format("a", 0, 8))[:-9], "not a whole safetensors file"),
    "cut data": (header_of("{" + TENSOR.format("a", 0, 8) + "}", bytes(7)), "not a whole safetensors file"),
    "hole": (header_of("{" + TENSOR.format("a", 4, 12) + "}", bytes(12)), "not a whole .*invalid offset.*a"),
    "overlap": (
        header_of("{" + TENSOR.format("a", 0, 8) + "," + TENSOR.format("b", 4, 12) + "}", bytes(12)),
        "not a whole .*invalid offset.*b",
    ),
    "float8": (
        header_of('{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', b"1"),
        "`a` is of type F8_E4M3",
    ),
    "short npy": (b"\x93NUMPY\x01\x00\x76\x00{'descr'", "tensor `short npy` has a damaged .npy header"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_CHECKPOINTS)
def test_what_is_no_whole_checkpoint_says_why(kind: str, tmp_path: Path) -> None:
    content, message = NO_CHECKPOINTS[kind]
    if kind == "npz":
        buffer = io.BytesIO()
        np.savez(buffer, a=np.zeros(3))
        content = buffer.getvalue()
    if kind == "compressed zip":
        content = rewritten("wrapped-zip", lambda _, entry: entry, zipfile.ZIP_DEFLATED)
    if kind == "lost storage":
        content = rewritten(
            "wrapped-zip", lambda name, entry: entry[:4] if name.endswith("data/1") else entry
        )
    path = tmp_path / kind
    path.write_bytes(content)
    with pytest.raises((DecodeError, UnsupportedError), match=message) as caught:
        harkit.weights.read(path)
    assert str(caught.value).startswith(f"{path}: ") and caught.value.path == path


def test_a_file_that_is_not_there_or_a_folder_without_arrays_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=re.escape(f"{tmp_path / 'none'}: ")):
        harkit.weights.read(tmp_path / "none")
    with pytest.raises(DecodeError, match=r"is a folder without \.npy files"):
        harkit.weights.read(tmp_path)
    (tmp_path / "a.npy").write_bytes(LFS)
    with pytest.raises(DecodeError, match=r"a\.npy: is a pointer of git-lfs"):
        harkit.weights.read(tmp_path)


def test_arguments_of_the_wrong_type_are_named() -> None:
    with pytest.raises(TypeError, match="`path` must be a path, got int"):
        harkit.weights.read(3)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match="`key` must be a string or None, got int"):
        harkit.weights.read("x", key=3)  # type: ignore[arg-type]  # wrong on purpose
