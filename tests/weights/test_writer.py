"""Written checkpoints, read by the safetensors package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import harkit
from harkit.errors import ArgumentError, ArgumentTypeError, FileAccessError, MissingFileError

DTYPES = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">f4", ">i2"]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)


@settings(max_examples=60, deadline=None)
@given(
    tensors=st.dictionaries(st.text(max_size=12), ARRAYS, max_size=5),
    metadata=st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
)
def test_what_is_written_is_what_safetensors_and_harkit_read(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, np.ndarray], metadata: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("written") / "model.safetensors"
    harkit.weights.write(path, tensors, metadata=metadata)
    theirs, ours = safetensors.numpy.load_file(path), harkit.weights.read(path)
    assert set(theirs) == set(ours) == set(tensors)
    for name, array in tensors.items():
        for read in (theirs[name], ours[name]):
            assert read.dtype == array.dtype.newbyteorder("=") and read.shape == array.shape
            np.testing.assert_array_equal(read, array)
    with safetensors.safe_open(path, "numpy") as file:
        assert (file.metadata() or {}) == metadata == ours.metadata


def test_the_same_content_gives_the_same_bytes_and_aligned_data(tmp_path: Path) -> None:
    tensors = {"b": np.ones(3, np.uint8), "a": np.ones((2, 3), np.float32), "c": np.arange(4)}
    metadata = {name: name.upper() for name in "zyxwvut"}
    for name in ("one", "two"):
        harkit.weights.write(tmp_path / name, tensors, metadata=metadata)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    read = harkit.weights.read(tmp_path / "one")
    assert list(read) == ["c", "a", "b"]
    assert all(np.shares_memory(read[name], read[name]) for name in read)


def test_views_are_written_in_row_major_order(tmp_path: Path) -> None:
    values = np.arange(24).reshape(2, 3, 4)
    views = {"turned": values.T, "stepped": values[:, ::2, ::-1], "fortran": np.asfortranarray(values)}
    harkit.weights.write(tmp_path / "x", views)
    for name, array in safetensors.numpy.load_file(tmp_path / "x").items():
        np.testing.assert_array_equal(array, views[name])


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "model"
    harkit.weights.write(path, {"old": np.zeros(2)})
    before = harkit.weights.read(path)["old"]
    with pytest.raises(ArgumentTypeError, match="tensor `new` must hold booleans or numbers, got complex128"):
        harkit.weights.write(path, {"new": np.zeros(2, complex)})
    assert list(harkit.weights.read(path)) == ["old"]
    harkit.weights.write(path, {"new": np.ones(2)})
    assert before.tolist() == [0, 0]  # the mapped old file lives on
    assert harkit.weights.read(path)["new"].tolist() == [1, 1]
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere/model: "):
        harkit.weights.write(tmp_path / "nowhere" / "model", {})
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileAccessError, match="folder: "):
        harkit.weights.write(tmp_path / "folder", {})
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_names_and_metadata_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="`__metadata__`"):
        harkit.weights.write(tmp_path / "x", {"__metadata__": np.zeros(1)})
    with pytest.raises(ArgumentTypeError, match="must be strings, got 3"):
        harkit.weights.write(tmp_path / "x", {"a": np.zeros(1)}, metadata={"epoch": 3})  # type: ignore[dict-item]
    with pytest.raises(ArgumentTypeError, match="must be strings, got 1"):
        harkit.weights.write(tmp_path / "x", {1: np.zeros(1)})  # type: ignore[dict-item]
    assert not (tmp_path / "x").exists()
