"""On what, and of what, the numbers are."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import timing

HERE = Path(__file__).parent
PEERS = (
    "av",
    "decord",
    "efficientnet-lite-pytorch",
    "faiss-cpu",
    "joblib",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "safetensors",
    "scikit-learn",
    "torch",
    "torchcodec",
    "torchvision",
    "video_reader-rs",
)


def facts() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": timing.cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{_distribution()}, {platform.system()} {platform.release()}, {platform.machine()}",
        "python": sys.version.split()[0],
        "commit": _commit(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "share": timing.share(),
        "packages": {name: _version(name) for name in PEERS},
        "ffmpeg_program": _output("ffmpeg", "-version").split("\n")[0],
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return platform.processor()
    lines = (line.partition(":") for line in information.read_text().splitlines())
    known = {key.strip(): value.strip() for key, _, value in lines}
    numbers = ", ".join(f"{key} {known[key]}" for key in ("cpu family", "model", "stepping") if key in known)
    return f"{known.get('model name', platform.machine())} ({numbers})"


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform()


def _commit() -> str:
    """The commit, and whether anything but the results has changed since."""
    commit = _output("git", "-C", str(HERE), "rev-parse", "--short=12", "HEAD").strip() or "unknown"
    changed = _output("git", "-C", str(HERE), "status", "--porcelain").splitlines()
    return commit + (
        " with changes" if any("benches/compare/results." not in line for line in changed) else ""
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
