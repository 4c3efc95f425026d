"""Features on disk: found by content and settings, whole or not at all, shared by processes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harkit import enhancement as en
from harkit.cache import FeatureCache, content_hash
from harkit.errors import ArgumentError, ArgumentTypeError, FileAccessError, MissingFileError

KEY = {"video": "ab" * 32, "settings": {"sigma2": [4.0, 8.0], "mode": "corrected"}}
RECORD = np.dtype([("t", "<i4"), ("response", "<f4")])


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "cache")


def arrays() -> dict[str, np.ndarray]:
    return {"descriptors": np.arange(12, dtype=np.float32).reshape(4, 3), "points": np.ones(4, RECORD)}


def never() -> dict[str, np.ndarray]:
    raise AssertionError("computed although it is there")


def test_what_was_computed_comes_back_mapped_and_read_only(cache: FeatureCache) -> None:
    first = cache.get_or_compute(KEY, arrays)
    again = cache.get_or_compute(KEY, never)
    for entry in (first, again):
        assert entry.keys() == arrays().keys()
        for name, array in arrays().items():
            assert isinstance(entry[name], np.memmap)
            assert not entry[name].flags.writeable
            assert entry[name].dtype == array.dtype
            np.testing.assert_array_equal(entry[name], array)


@pytest.mark.parametrize("shape", [(0, 162), (3, 0), (0,), ()])
def test_empty_arrays_and_numbers_keep_their_shape(cache: FeatureCache, shape: tuple[int, ...]) -> None:
    assert cache.get_or_compute(KEY, lambda: {"a": np.zeros(shape, np.float32)})["a"].shape == shape


def test_a_strided_array_is_stored_by_rows(cache: FeatureCache) -> None:
    array = np.arange(24).reshape(4, 6)[::2, ::3]
    np.testing.assert_array_equal(cache.get_or_compute(KEY, lambda: {"a": array})["a"], array)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": [2, 3]}, {"b": (2, 3), "a": np.int64(1)}, True),
        ({"a": [en.Gamma(3)]}, {"a": (en.Gamma(3),)}, True),
        ({"a": np.array([1.5, 2])}, {"a": [1.5, 2.0]}, True),
        ({"a": Path("x")}, {"a": "x"}, True),
        ({"a": [en.Gamma(3)]}, {"a": [en.Gamma(5)]}, False),
        ({"a": [en.Log()]}, {"a": [en.AutoGamma()]}, False),
        ({"a": None}, {"a": False}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, False),
    ],
)
def test_equal_settings_are_one_entry_and_others_are_not(
    cache: FeatureCache,
    one: dict[str, Any],
    other: dict[str, Any],
    same: bool,  # noqa: FBT001 (pytest's)
) -> None:
    assert (cache.path(one) == cache.path(other)) is same


def test_the_entry_says_what_it_is(cache: FeatureCache) -> None:
    cache.get_or_compute({"steps": [en.Gamma(3)], "k": 0.005}, arrays)
    [text] = [path.read_text() for path in cache.folder.rglob("entry.json")]
    expected = (
        '{"arrays": ["descriptors", "points"], "key": {"k": 0.005, "steps": [{"Gamma": {"gamma": 3}}]}}'
    )
    assert text.strip() == expected


def test_membership_computes_nothing(cache: FeatureCache) -> None:
    assert KEY not in cache
    assert cache.get(KEY) is None
    assert not cache.folder.exists()
    cache.get_or_compute(KEY, arrays)
    assert KEY in cache


def test_a_failed_computation_leaves_nothing(cache: FeatureCache) -> None:
    def fails() -> dict[str, np.ndarray]:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cache.get_or_compute(KEY, fails)
    assert KEY not in cache
    assert cache.get_or_compute(KEY, arrays)


@pytest.mark.parametrize("damage", ["truncated", "missing", "listing", "no-listing"])
def test_a_damaged_entry_is_computed_anew(cache: FeatureCache, damage: str) -> None:
    del_me = cache.get_or_compute(KEY, arrays)
    del del_me
    entry = cache.path(KEY)
    if damage == "truncated":
        os.truncate(entry / "descriptors.npy", 130)
    elif damage == "missing":
        (entry / "points.npy").unlink()
    elif damage == "listing":
        (entry / "entry.json").write_text("{")
    else:
        (entry / "entry.json").unlink()
    assert KEY not in cache
    fresh = cache.get_or_compute(KEY, arrays)
    np.testing.assert_array_equal(fresh["descriptors"], arrays()["descriptors"])


def test_a_killed_process_leaves_no_half_entry(cache: FeatureCache) -> None:
    code = f"""
import os, signal
import numpy as np
from harkit.cache import FeatureCache
save = np.save
def killed(file, array, **options):
    save(file, array, **options)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
np.save = killed
FeatureCache({str(cache.folder)!r}).get_or_compute({KEY!r}, lambda: dict(a=np.ones(9), b=np.ones(9)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()
    [left] = (cache.folder / "unfinished").iterdir()
    assert KEY not in cache
    assert cache.get_or_compute(KEY, arrays).keys() == arrays().keys()
    assert left.exists()  # it might belong to a process at work
    long_ago = time.time() - 48 * 3600
    os.utime(left, (long_ago, long_ago))
    cache.get_or_compute({"another": 1}, arrays)
    assert not left.exists()


def test_of_two_that_compute_at_once_one_is_kept(cache: FeatureCache) -> None:
    barrier = threading.Barrier(4, timeout=20)
    results: list[np.ndarray] = []

    def compute() -> dict[str, np.ndarray]:
        barrier.wait()
        return arrays()

    def work() -> None:
        results.append(FeatureCache(cache.folder).get_or_compute(KEY, compute)["descriptors"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        np.testing.assert_array_equal(result, arrays()["descriptors"])
    assert list((cache.folder / "unfinished").iterdir()) == []


def test_two_processes_share_a_cache(cache: FeatureCache) -> None:
    code = f"""
import numpy as np
from harkit.cache import FeatureCache
cache = FeatureCache({str(cache.folder)!r})
for i in range(40):
    cache.get_or_compute(dict(i=i), lambda: dict(a=np.full(1000, i)))
"""
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    for i in range(40):
        assert (cache.get_or_compute({"i": i}, never)["a"] == i).all()


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ({"a": object()}, ArgumentTypeError, "plain values, got object"),
        ({"a": float("nan")}, ArgumentError, "finite"),
        ({"a": np.float32("inf")}, ArgumentError, "finite"),
        ("text", ArgumentTypeError, "mapping, got str"),
    ],
)
def test_a_key_that_is_not_plain_is_refused(
    cache: FeatureCache, key: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        cache.get_or_compute(key, never)


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        ({"../a": np.ones(3)}, ArgumentError, "identifier"),
        ({"a": np.array([None])}, ArgumentTypeError, "`a` must hold numbers"),
    ],
)
def test_what_cannot_be_stored_safely_is_refused(
    cache: FeatureCache, made: dict[str, np.ndarray], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        cache.get_or_compute(KEY, lambda: made)
    assert KEY not in cache


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError, match="file/cache") as caught:
        FeatureCache(tmp_path / "file" / "cache").get_or_compute(KEY, arrays)
    assert caught.value.path == tmp_path / "file" / "cache"
    with pytest.raises(ArgumentTypeError, match="`folder` must be a path, got int"):
        FeatureCache(3)  # type: ignore[arg-type]


def test_content_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 3_000_000)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert content_hash(path) == content_hash(str(path)) == expected
    path.rename(tmp_path / "b.bin")
    assert content_hash(tmp_path / "b.bin") == expected
    (tmp_path / "b.bin").write_bytes(b"y" * 3_000_001)
    assert content_hash(tmp_path / "b.bin") != expected
    with pytest.raises(MissingFileError, match=r"a\.bin: no such file"):
        content_hash(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "1.png").write_bytes(b"other"),
        lambda folder: (folder / "1.png").rename(folder / "3.png"),
        lambda folder: (folder / "2.png").unlink(),
    ],
    ids=["contents", "name", "fewer"],
)
def test_the_hash_of_a_folder_holds_names_and_contents(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(name.encode())
    before = content_hash(tmp_path)
    assert content_hash(tmp_path) == before
    change(tmp_path)
    assert content_hash(tmp_path) != before
