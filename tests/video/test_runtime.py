"""The interpreter stays alive while harkit works: threads, Ctrl-C, messages, forks."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import harkit
from conftest import ffmpeg, numbered_frames
from harkit import errors

X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", 20)


@pytest.fixture(scope="module")
def long(encode: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3600 frames that take many seconds to decode."""
    once = encode(numbered_frames(60, 360, 640), "once.mp4", *X264, "-crf", 30, "-preset", "veryfast")
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    ffmpeg("-stream_loop", 59, "-i", once, "-c", "copy", path)
    return path


@pytest.fixture(scope="module")
def medium(encode: Callable[..., Path]) -> Path:
    """A megabyte, many times what is read ahead."""
    path = encode(numbered_frames(60, 180, 320), "medium.mp4", *X264, "-crf", 22, "-preset", "veryfast")
    assert path.stat().st_size > 1e6
    return path


@pytest.fixture(scope="module")
def long_without_proof(long: Path) -> Path:
    """The same in MPEG-TS, whose packets do not prove the number of frames."""
    path = long.with_suffix(".ts")
    ffmpeg("-i", long, "-c", "copy", path)
    return path


def run(code: str, *arguments: object, environment: dict[str, str] | None = None) -> str:
    """Run Python code in a fresh process that says nothing on standard error; what it prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    known = {name: value for name, value in os.environ.items() if name != "HARKIT_NUM_THREADS"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**known, **(environment or {})}
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# The GIL


def test_other_threads_run_while_harkit_decodes(long: Path) -> None:
    ticks: list[float] = []
    is_done = threading.Event()

    def tick() -> None:
        while not is_done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.monotonic()
    harkit.VideoReader(long)[:200]
    end = time.monotonic()
    is_done.set()
    thread.join()
    inside = [moment for moment in ticks if start < moment < end]
    assert len(inside) > 10
    assert np.diff([start, *inside, end]).max() < max(0.5 * (end - start), 0.1)


# Ctrl-C

INTERRUPTED = """
import sys, threading, harkit
video = harkit.VideoReader(sys.argv[1]) if sys.argv[2] != "open" else None
def work():
    match sys.argv[2]:
        case "open": harkit.VideoReader(sys.argv[1])
        case "read": video[list(range(19, 3600, 20))]
        case "whole": video[:]
        case "iterate":
            for frame in video: pass
print("ready", flush=True)
try:
    work()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    if video is not None:
        print(int(video[3599].sum()), int(video[0].sum()), flush=True)
"""


@pytest.mark.parametrize("work", ["open", "read", "whole", "iterate"])
def test_control_c_interrupts_at_once(work: str, long: Path, long_without_proof: Path) -> None:
    path = long_without_proof if work == "open" else long
    command = [sys.executable, "-c", INTERRUPTED, str(path), work]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.4)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - start < 1
        # The reader works as before.
        if work != "open":
            video = harkit.VideoReader(path)
            assert process.stdout.readline().split() == [str(video[3599].sum()), str(video[0].sum())]


# Messages


def broken(source: Path, target: Path) -> Path:
    data = bytearray(source.read_bytes())
    draw = random.Random(1)
    for _ in range(40):
        data[draw.randrange(len(data) // 8, len(data) * 7 // 8)] ^= draw.randrange(1, 256)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("call", [harkit.probe, harkit.VideoReader, lambda path: harkit.VideoReader(path)[:]])
def test_messages_of_ffmpeg_reach_logging_with_the_path(
    call: Callable[[Path], object],
    encode: Callable[..., Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = broken(encode(numbered_frames(60), "a.ts", *X264), tmp_path / "broken.ts")
    with caplog.at_level(logging.WARNING, "harkit.ffmpeg"):
        call(path)
    assert caplog.records
    for record in caplog.records:
        assert record.name == "harkit.ffmpeg"
        assert record.levelno in (logging.WARNING, logging.ERROR)
        assert record.getMessage().startswith(f"{path}: ")
        assert " @ 0x" not in record.getMessage()
    assert capfd.readouterr() == ("", "")


def test_nothing_is_printed_by_default(encode: Callable[..., Path], tmp_path: Path) -> None:
    path = broken(encode(numbered_frames(60), "a.ts", *X264), tmp_path / "broken.ts")
    assert run("import sys, harkit; print(len(harkit.VideoReader(sys.argv[1])[:]) > 10)", path) == "True\n"
    quiet = """
import sys, harkit
try: harkit.probe(sys.argv[1])
except harkit.errors.DecodeError as error: print("error")
"""
    (tmp_path / "text.mp4").write_text("no video" * 1000)
    assert run(quiet, tmp_path / "text.mp4") == "error\n"


def test_a_failed_call_logs_what_ffmpeg_said(
    numbered: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "headless.mp4"
    path.write_bytes(numbered.read_bytes()[:-2000])
    with caplog.at_level(logging.WARNING, "harkit.ffmpeg"), pytest.raises(errors.DecodeError):
        harkit.probe(path)
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: [mov,mp4,m4a,3gp,3g2,mj2] moov atom not found"
    ]


# Processes

FORKED = """
import multiprocessing, os, sys, warnings
warnings.simplefilter("ignore")  # Python 3.12 warns of any fork of a process with threads
import numpy as np, harkit

video = harkit.VideoReader(sys.argv[1])
expected = video[:]

def check(seed):
    rng = np.random.default_rng(seed)
    for _ in range(10):
        wanted = rng.integers(0, 60, 3)
        if not (video[wanted] == expected[wanted]).all(): return "wrong frames of the parent's reader"
    own = harkit.VideoReader(sys.argv[1])
    return "right" if (own[40] == expected[40]).all() else "wrong frames of an own reader"

# The child reads on where its parent stands, and the parent where it stood.
right = [(video[i] == expected[i]).all() for i in range(5)]
child = os.fork()
if child == 0:
    right = [(video[i] == expected[i]).all() for i in (5, 6, 59, 58)]
    os._exit(0 if all(right) and video.info.counted == "packets" else 3)
right.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0)
right += [(video[i] == expected[i]).all() for i in range(5, 60)]
print(all(right) and video.info.counted)
with multiprocessing.get_context("fork").Pool(3) as pool:
    # All at once, on the reader that they have from their parent.
    print(pool.map(check, range(1, 7), chunksize=1))
print(check(9))
"""


def test_forked_processes_read_on_with_the_readers_they_have(medium: Path) -> None:
    assert run(FORKED, medium).splitlines() == ["packets", str(["right"] * 6), "right"]


def checksum(path: str) -> int:
    return int(harkit.VideoReader(path)[::7].sum())


def test_spawned_processes_read(numbered: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(checksum, [str(numbered)] * 4) == [checksum(str(numbered))] * 4


# Threads


def test_threads_share_readers_or_have_their_own(numbered: Path) -> None:
    expected = harkit.VideoReader(numbered)[:]
    shared = harkit.VideoReader(numbered)
    with numbered.open("rb") as file:
        of_object = harkit.VideoReader(file)

        def check(seed: int) -> None:
            rng = np.random.default_rng(seed)
            own = harkit.VideoReader(numbered)
            for _ in range(12):
                i, wanted = int(rng.integers(60)), rng.integers(0, 60, 3)
                for video in (shared, own, of_object):
                    np.testing.assert_array_equal(video[i], expected[i])
                    np.testing.assert_array_equal(video[wanted], expected[wanted])
                    assert video.info.n_frames == len(video.timestamps) == 60

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(check, range(6)))


def test_closing_while_another_thread_reads_is_safe(numbered: Path) -> None:
    for _ in range(10):
        video = harkit.VideoReader(numbered)

        def read(video: harkit.VideoReader = video) -> str:
            try:
                while True:
                    video[:]
            except ValueError as error:
                return str(error)

        with ThreadPoolExecutor(2) as pool:
            readers = [pool.submit(read) for _ in range(2)]
            time.sleep(0.02)
            video.close()
            assert all("has been closed" in reader.result() for reader in readers)


def test_results_do_not_depend_on_the_number_of_threads(numbered: Path) -> None:
    default = harkit.num_threads()
    expected = harkit.VideoReader(numbered)[:]
    try:
        for threads in (1, 2, 7):
            harkit.set_num_threads(threads)
            assert harkit.num_threads() == threads
            np.testing.assert_array_equal(harkit.VideoReader(numbered)[::3], expected[::3])
    finally:
        harkit.set_num_threads(0)
    assert harkit.num_threads() == default
    for wrong in (-1, 1025):
        with pytest.raises(errors.ArgumentError, match="`threads` must be 0"):
            harkit.set_num_threads(wrong)


def test_one_thread_reads_a_python_object_while_others_wait(numbered: Path) -> None:
    """The worker needs the GIL for each read, and all others wait for the worker."""
    code = """
import sys, threading, harkit
class Slow:
    def __init__(self, path): self.file = open(path, "rb")
    def read(self, size): threading.Event().wait(0.001); return self.file.read(size)
    def seek(self, *arguments): return self.file.seek(*arguments)
harkit.set_num_threads(1)
video = harkit.VideoReader(Slow(sys.argv[1]))
sums = []
threads = [threading.Thread(target=lambda: sums.append(int(video[::5].sum()))) for _ in range(5)]
for thread in threads: thread.start()
for thread in threads: thread.join(20)
print(len(sums), len(set(sums)))
"""
    assert run(code, numbered).split() == ["5", "1"]


def test_the_number_of_threads_follows_variable_and_affinity() -> None:
    code = "import harkit; print(harkit.num_threads())"
    assert run(code, environment={"HARKIT_NUM_THREADS": "3"}) == "3\n"
    for wrong in ("many", "0", "-2", "99999", ""):
        assert run(code, environment={"HARKIT_NUM_THREADS": wrong}) == run(code)
    pinned = "import os; os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})\n" + code
    assert run(pinned) == "1\n"


# Memory

MEMORY = """
import sys, numpy as np, harkit

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

for _ in range(3): harkit.VideoReader(sys.argv[1])[30]
before = resident()
for _ in range(20): harkit.VideoReader(sys.argv[1])[30]
print(resident() - before)
"""


def test_what_was_read_is_released(medium: Path) -> None:
    assert float(run(MEMORY, medium)) < 8
