"""Opens and decodes mutated files, for test_fuzz.py: ``python fuzz_files.py FOLDER SEED SECONDS``.

A file must give an error of harkit's, or frames that are there; never a fault, a crash or a hang (the
caller sees the last two, and the seed that this prints before each file names the case).
"""

from __future__ import annotations

import random
import resource
import shutil
import sys
import time
from pathlib import Path

import numpy as np

import harkit
from harkit import errors

ALLOWED = (errors.DecodeError, errors.UnsupportedError)


def mutated(data: bytes, draw: random.Random) -> bytes:
    """Change a few bytes, mostly where headers are; cut, repeat or remove a part now and then."""
    changed = bytearray(data)
    kind = draw.random()
    if kind < 0.1:
        del changed[draw.randrange(1, len(changed)) :]
    elif kind < 0.2:
        start, size = draw.randrange(len(changed)), draw.randrange(1, 200)
        part = changed[start : start + size]
        changed[start : start + size] = b"" if draw.random() < 0.5 else part * draw.randrange(2, 5)
    for _ in range(draw.choice([1, 2, 4, 16, 64])):
        if not changed:
            break
        near = draw.choice([60, 600, len(changed)])
        position = draw.randrange(min(near, len(changed)))
        if draw.random() < 0.3:
            position = len(changed) - 1 - position
        value = draw.choice(
            [0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256), changed[position] ^ 1 << draw.randrange(8)]
        )
        changed[position : position + draw.choice([1, 1, 4])] = bytes([value]) * draw.choice([1, 1, 4])
    return bytes(changed)


def check(source: Path | bytes, gray: object, draw: random.Random) -> str:
    """Use a reader as a user would; what came of it."""
    try:
        with harkit.VideoReader(source, gray=gray) as video:
            info, n_frames = video.info, len(video)
            assert n_frames >= 1
            assert info.width > 0
            assert info.height > 0
            assert np.isfinite([info.fps, info.duration, info.start, info.pixel_aspect]).all()
            assert info.fps > 0
            assert info.duration > 0
            times = video.timestamps
            assert times.shape == (len(video),)
            assert times[0] == 0
            assert (np.diff(times) > 0).all()
            if info.width * info.height > 4_000_000:
                return "huge"
            shape = (info.height, info.width) if gray else (info.height, info.width, 3)
            last = video[-1]
            assert last.shape == shape
            video.at(times[len(times) // 2])
            several = video[sorted(draw.sample(range(len(video)), min(4, len(video))))]
            assert several.shape[1:] == shape
            n_read = sum(1 for _ in zip(video, range(100), strict=False))
            assert n_read == min(len(video), 100)
            return "read"
    except (errors.FrameIndexError, errors.ArgumentError):
        # The frames were counted anew, and the index or time that was chosen is no longer there.
        return "fewer"
    except ALLOWED as error:
        assert str(error)
        return "refused"


def one(files: list[Path], seed: int, work: Path) -> str:
    draw = random.Random(seed)
    original = draw.choice(files)
    gray = draw.choice([False, False, True, "y"])
    if original.is_dir():
        target = work / original.name
        shutil.copytree(original, target, dirs_exist_ok=True)
        victim = draw.choice(sorted(target.iterdir()))
        victim.write_bytes(mutated(victim.read_bytes(), draw))
        return check(target, gray, draw)
    target = work / original.name
    target.write_bytes(mutated(original.read_bytes(), draw))
    return check(target if draw.random() < 0.8 else target.read_bytes(), gray, draw)


def main() -> None:
    folder, seed, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    files, work = sorted(folder.iterdir()), folder.with_name("work")
    work.mkdir(exist_ok=True)
    end = time.monotonic() + seconds
    counts: dict[str, int] = {}
    while time.monotonic() < end:
        print("seed", seed, flush=True)
        start = time.monotonic()
        outcome = one(files, seed, work)
        if time.monotonic() - start > 10:
            outcome = "slow"
        counts[outcome] = counts.get(outcome, 0) + 1
        seed += 1
    print("done", sum(counts.values()), counts)


if __name__ == "__main__":
    main()
