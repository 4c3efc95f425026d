"""The examples run: Python snippets of README and the guide, page by page, and all doctests.

An example may use, and find in the folder where it runs:

* ``harkit`` and ``np``
* ``clip``: a uint8 array (16, 120, 160, 3), dark, with something moving
* ``path``: ``"walk.mp4"``, 80 frames of 160x120 at 25 a second
* ``folder``: ``"videos"``, a folder of videos in one folder a class
* ``paths``: the videos in ``folder``
"""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harkit

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/guide/*.md"))]
SNIPPET = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def doctests() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in ["harkit", *(module.name for module in pkgutil.walk_packages(harkit.__path__, "harkit."))]:
        if name.split(".")[-1] not in ("_core", "__main__"):
            yield from (test for test in finder.find(importlib.import_module(name)) if test.examples)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with walk.mp4 and videos/CLASS/NUMBER.mp4, drawn by the ffmpeg program."""
    folder = tmp_path_factory.mktemp("examples")
    source = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=160x120:rate=25",
        "-frames:v",
        "80",
    ]
    encoding = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]
    subprocess.run([*source, *encoding, folder / "walk.mp4"], check=True)
    for kind, filtering in {"run": "hflip", "walk": "null"}.items():
        (folder / "videos" / kind).mkdir(parents=True)
        for number, shade in enumerate((0.3, 0.6)):
            chain = f"{filtering},eq=brightness=-{shade}"
            target = folder / "videos" / kind / f"{number}.mp4"
            subprocess.run([*source, "-vf", chain, *encoding, target], check=True)
    return folder


@pytest.fixture
def names(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that an example may use; the test runs in a folder of its own."""
    shutil.copytree(videos, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    clip = np.random.default_rng(0).integers(0, 24, (16, 120, 160, 3), dtype=np.uint8)
    for i, frame in enumerate(clip):
        frame[40:80, 8 * i : 8 * i + 24] += 60
    paths = sorted(path.as_posix() for path in Path("videos").rglob("*.mp4"))
    return {"harkit": harkit, "np": np, "clip": clip, "path": "walk.mp4", "folder": "videos", "paths": paths}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_snippets_of_a_page_run_from_top_to_bottom(page: Path, names: dict[str, Any]) -> None:
    text = page.read_text()
    for found in SNIPPET.finditer(text):
        above = "\n" * text.count("\n", 0, found.start(1))  # so that a traceback names the line of the page
        exec(compile(above + found[1], str(page), "exec"), names)


@pytest.mark.parametrize("test", list(doctests()), ids=lambda test: test.name)
def test_the_example_of_a_docstring_prints_what_it_says(test: doctest.DocTest, names: dict[str, Any]) -> None:
    for name, value in names.items():
        test.globs.setdefault(name, value)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    report: list[str] = []
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
