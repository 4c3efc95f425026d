"""Peak memory, and time, of eight uniform frames from a 30-minute 640x480 video: a fresh process each time.

The peak is the kernel's (VmHWM): of the whole process, and beyond what it held after its imports.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import material
import peers
import timing

CHILD = """
import sys, time
sys.path.insert(0, {here!r})
import peers, timing
peer = peers.SAME_WORK[{index}]
timing.pin_to_one_core()
peer.prepare()
def held(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field))
open("/proc/self/clear_refs", "w").write("5")
before, start = held("VmRSS"), time.perf_counter()
peer.sample({path!r})
print(held("VmHWM") / 1024, (held("VmHWM") - before) / 1024, time.perf_counter() - start)
"""


def measure(scratch: Path) -> dict[str, Any]:
    path = material.half_an_hour(scratch)
    rows = []
    for index, peer in enumerate(peers.SAME_WORK):
        row: dict[str, Any] = {"who": peer.label, "same_work": True, "failure": None}
        try:
            row["version"] = peer.version
            code = CHILD.format(here=str(Path(__file__).parent), index=index, path=path)
            # The slow ones decode all 45,000 frames: once shows enough.
            runs = [run(code)]
            while len(runs) < timing.rounds(5, least=1) and runs[0][2] < 5:
                runs.append(run(code))
            whole, beyond, seconds = (median(column) for column in zip(*runs, strict=True))
            row |= {
                "median": round(whole, 1),
                "beyond_imports": round(beyond, 1),
                "seconds": round(seconds, 3),
                "n": len(runs),
            }
        except Exception as error:
            row["failure"] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        rows.append(row)
    harkit = rows[0]
    for row in rows:
        if row["failure"] is None:
            row["times_harkit"] = round(row["median"] / harkit["median"], 2)
            row["beyond_times_harkit"] = round(row["beyond_imports"] / harkit["beyond_imports"], 2)
    decord = next(row for row in rows if row["who"] == "decord")
    return {
        "is_memory": True,
        "title": "Peak memory of eight uniform frames from half an hour of 640x480",
        "material": "a drawn video (testsrc2, H.264, 45,000 frames)",
        "goal": 2.0,
        "parts": {
            "": {
                "unit": "MiB",
                "rows": rows,
                "fastest_peer": "decord",
                "ratio": decord.get("times_harkit"),
            }
        },
    }


def run(code: str) -> tuple[float, float, float]:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise RuntimeError(
            done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}"
        )
    whole, beyond, seconds = map(float, done.stdout.split()[-3:])
    return whole, beyond, seconds
