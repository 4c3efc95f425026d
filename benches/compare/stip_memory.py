"""Peak memory of the report's points and jets: harkit over all KTH clips, PyTorch on one of them.

Each in a fresh process on one thread; the peak is the kernel's (VmHWM), of the whole process and beyond what
it held after its imports.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import material
import memory

import harkit

CHILD = """
import sys, time
sys.path.insert(0, {here!r})
import stip, timing, harkit
timing.pin_to_one_core()
harkit.set_num_threads(1)
{prepare}
def held(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field))
open("/proc/self/clear_refs", "w").write("5")
before, start = held("VmRSS"), time.perf_counter()
for path in {paths!r}:
    {work}
print(held("VmHWM") / 1024, (held("VmHWM") - before) / 1024, time.perf_counter() - start)
"""


def measure(scratch: Path) -> dict[str, Any]:
    paths, what = material.kth_clips(scratch)
    torch = "reference = stip.reference_module(); reference.torch.set_num_threads(1)"
    rows = [
        row("harkit, all clips", harkit.__version__, "", paths, "stip.faithful(stip.gray_frames(path))"),
        row(
            "torch, one clip",
            version("torch"),
            torch,
            paths[:1],
            "stip.by_torch(reference, stip.gray_frames(path))",
        ),
    ]
    for entry in rows:
        entry["times_harkit"] = round(entry["median"] / rows[0]["median"], 2)
        entry["beyond_times_harkit"] = round(entry["beyond_imports"] / rows[0]["beyond_imports"], 2)
    return {
        "is_memory": True,
        "title": "Peak memory of faithful points and jets, harkit over all clips",
        "material": f"{len(paths)} {what}; PyTorch has the first of them",
        "goal": 1.0,
        "parts": {
            "": {
                "unit": "MiB",
                "rows": rows,
                "fastest_peer": rows[1]["who"],
                "ratio": rows[1]["times_harkit"],
            }
        },
    }


def row(who: str, its_version: str, prepare: str, paths: list[str], work: str) -> dict[str, Any]:
    here = str(Path(__file__).parent)
    code = CHILD.format(here=here, prepare=prepare, paths=paths, work=work)
    whole, beyond, seconds = memory.run(code)
    return {
        "who": who,
        "version": its_version,
        "same_work": True,
        "failure": None,
        "median": round(whole, 1),
        "beyond_imports": round(beyond, 1),
        "seconds": round(seconds, 3),
        "n": 1,
    }
