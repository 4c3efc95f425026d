"""`import harkit` is light: heavy peers and heavy rooms are imported where they are used."""

from __future__ import annotations

import subprocess
import sys

import harkit


def printed_by(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_import_harkit_brings_in_numpy_at_most() -> None:
    new = printed_by("import sys; old = set(sys.modules); import harkit; print(*(set(sys.modules) - old))")
    packages = {name.split(".")[0] for name in new} - set(sys.stdlib_module_names)
    assert packages <= {"harkit", "numpy"}


def test_every_public_name_comes_on_first_use_and_is_listed_before() -> None:
    listed = printed_by(
        "import harkit; print(*dir(harkit)); [getattr(harkit, name) for name in harkit.__all__]"
    )
    assert set(harkit.__all__) <= set(listed)


def test_a_wrong_name_is_an_attribute_error() -> None:
    assert not hasattr(harkit, "no_such_name")
