"""`import harkit` against `import cv2`: a fresh interpreter each time, from start to end of the process.

harkit imports a room (and NumPy) when it is first used; what the rooms cost together is shown too.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import timing
from timing import Contestant

import harkit

STATEMENTS = {
    "harkit": "import harkit",
    "opencv": "import cv2",
    "harkit, rooms included": (
        "import harkit; harkit.video, harkit.sampling, harkit.enhancement, harkit.transforms, harkit.loading"
    ),
    "numpy": "import numpy",
    "the interpreter alone": "pass",
}
# What a statement loads that the interpreter alone does not: shared objects, and Python's files and caches.
LIST_FILES = """
import sys
{statement}
paths = {{line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}}
for module in list(sys.modules.values()):
    paths |= {{getattr(module, "__file__", None), getattr(module, "__cached__", None)}}
print("\\n".join(path for path in paths if path))
"""


def measure(scratch: Path) -> dict[str, Any]:
    # As an installer leaves a package: pip has compiled the peers'.
    compileall.compile_dir(Path(harkit.__file__).parent, quiet=1)

    def enter() -> list[Contestant]:
        versions = {"harkit": harkit.__version__, "opencv": version("opencv-python-headless")}
        versions["numpy"] = version("numpy")
        return [
            Contestant(
                label,
                versions.get(label.split(",")[0], sys.version.split()[0]),
                lambda _, code=code: run(code),
            )
            for label, code in STATEMENTS.items()
        ]

    warm = enter()
    timing.take_turns(warm, range(timing.rounds(40, least=5)))
    files = files_of("import cv2\n" + STATEMENTS["harkit, rooms included"]) - files_of("pass")
    files = {path for path in files if Path(path).exists()}
    cold = enter()
    timing.take_turns(cold, range(timing.rounds(10, least=3)), before=lambda _: forget(files))
    for contestant in warm + cold:
        contestant.is_same_work = contestant.label in ("harkit", "opencv")
        contestant.agreement = timing.Agreement()  # an import has no result to compare
    return {
        "title": "Importing",
        "material": "one process for each import, from its start to its end",
        "goal": 1.0,
        "parts": {
            "files in the system's cache": {"unit": "ms", **timing.table(warm)},
            "files read from the disk": {"unit": "ms", "goal": None, **timing.table(cold)},
        },
    }


def run(code: str) -> Any:
    subprocess.run([sys.executable, "-c", code], check=True)
    return np.empty(0, np.uint8)


def files_of(statement: str) -> set[str]:
    listing = [sys.executable, "-c", LIST_FILES.format(statement=statement)]
    return set(subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\n")) - {""}


def forget(files: set[str]) -> None:
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
