"""Runs the measurements, each in a process of its own, and writes results.json and results.md.

python benches/compare                  all of them
python benches/compare gray_volume …    some; the others keep the results they have
HARKIT_BENCH_SHARE=0.1                  a quick look: fewer clips, fewer rounds
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import report

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
MEASUREMENTS = [
    "sample_one_thread",
    "sample_all_cores",
    "gray_volume",
    "enhance",
    "import_time",
    "memory",
    "dataloader",
    "stip",
    "stip_memory",
    "optical_flow",
    "encoders",
    "networks",
    "layers",
    "matrix_products",
    "training_steps",
    "training_memory",
    "frame_features",
    "checkpoint_load",
]


def main(names: list[str]) -> int:
    unknown = set(names) - set(MEASUREMENTS)
    if unknown:
        print(
            f"there is no {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}", file=sys.stderr
        )
        return 2
    known = json.loads(RESULTS.read_text())["measurements"] if names and RESULTS.exists() else {}
    facts = machine.facts()
    with tempfile.TemporaryDirectory() as scratch:
        for name in names or MEASUREMENTS:
            print(f"{name} …", flush=True)
            start = time.perf_counter()
            known[name] = in_a_process(name, scratch)
            known[name]["machine"] = facts
            known[name]["seconds"] = round(time.perf_counter() - start, 1)
            print(f"{name}: {known[name]['seconds']} s {known[name].get('failure', '')}", flush=True)
    results = {"measurements": {name: known[name] for name in MEASUREMENTS if name in known}}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    text = report.markdown(results)
    (HERE / "results.md").write_text(text)
    print(text.partition("\n## ")[0])
    return 1 if any("failure" in measurement for measurement in results["measurements"].values()) else 0


def in_a_process(name: str, scratch: str) -> dict[str, Any]:
    """Run one measurement in a new interpreter: what one imports, sets and pins must not touch another."""
    out = Path(scratch) / f"{name}.json"
    done = subprocess.run(
        [sys.executable, __file__, "--measure", name, scratch], check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode == 0 and out.exists():
        return json.loads(out.read_text())
    return {"title": name, "goal": None, "failure": f"ended with status {done.returncode}"}


def measure(name: str, scratch: str) -> int:
    record = importlib.import_module(name).measure(Path(scratch))
    (Path(scratch) / f"{name}.json").write_text(json.dumps(record))
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        sys.exit(measure(*sys.argv[2:4]))
    sys.exit(main(sys.argv[1:]))
