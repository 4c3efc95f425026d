"""The stub `_core.pyi` says what the compiled module has: names, parameters, defaults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ALLOWED = Path(__file__).with_name("stub-allowed.txt")


def test_the_stub_and_the_compiled_module_agree() -> None:
    stubtest = [sys.executable, "-m", "mypy.stubtest", "harkit._core", "--allowlist", str(ALLOWED)]
    done = subprocess.run(stubtest, cwd=ALLOWED.parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_allowed_difference_has_its_reason() -> None:
    entries = [line for line in ALLOWED.read_text().splitlines() if not line.startswith("#")]
    assert all("  # " in entry for entry in entries if entry.strip())
