"""The licences: what a wheel carries is named, and nothing in it is under the GPL."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_notices_name_the_crates_that_are_linked_now() -> None:
    now = subprocess.run([ROOT / ".ci" / "notices"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert (ROOT / "LICENSES" / "crates.txt").read_text() == now.stdout, "run `make notices`"


def test_ffmpeg_is_configured_under_the_lgpl() -> None:
    build = (ROOT / ".ci" / "ffmpeg").read_text()
    assert "--disable-everything" in build and "--disable-autodetect" in build
    assert not re.search(r"--enable-(gpl|nonfree|version3)", build)


def test_every_library_that_ffmpeg_links_has_its_notice() -> None:
    linked = re.findall(r"--enable-lib(\w+)", (ROOT / ".ci" / "ffmpeg").read_text())
    licence = (ROOT / "LICENSE").read_text()
    assert linked and all(re.search(rf"^3\.\d (lib)?{name}: ", licence, re.MULTILINE) for name in linked)
