"""What the documents name exists: links, headings, files, names of harkit, commands, make targets."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(
    r"""\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)"""  # [text](target "title")
    r"|^\[[^\]]+\]:\s*(\S+)"  # [label]: target
    r"""|<(?:img|a)\s[^>]*(?:src|href)="([^"]+)\"""",
    re.MULTILINE,
)
# A name in quotes is a string (the logger "harkit.ffmpeg"), not an attribute.
NAME = re.compile(r"(?<![\w/.\"'-])harkit(?:\.[A-Za-z_]\w*)+(?![\w/-])")
COMMAND = re.compile(r"^(?:\$ )?harkit ([a-z][\w-]*)", re.MULTILINE)
PLACE = re.compile(r"`((?:src|python|tests|docs|benches|notebooks|\.ci|\.github|LICENSES)/[\w./-]*)`")
PLACEHOLDER = re.compile(r"ROOM|NAME|CLASS")
TARGET = re.compile(r"(?:^|`)make ([a-z][\w-]*)", re.MULTILINE)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def code(page: Path, *languages: str) -> list[str]:
    return [text for language, text in FENCE.findall(page.read_text()) if language in languages]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    text = re.sub(r"`[^`\n]*`", "``", prose(page))
    for target in ("".join(found) for found in LINK.findall(text)):
        if re.match(r"[a-z]+:", target):  # https:, mailto:
            continue
        place, _, anchor = target.partition("#")
        file = (page.parent / place).resolve() if place else page
        outside = ROOT not in (file, *file.parents)
        if outside or not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            yield target


def exists(dotted: str) -> bool:
    """Whether a dotted name leads somewhere: a module, an attribute, a field of a dataclass."""
    thing: object = importlib.import_module("harkit")
    path = "harkit"
    for part in dotted.split(".")[1:]:
        path += f".{part}"
        if part in getattr(thing, "__dataclass_fields__", ()):
            return dotted == path
        if not hasattr(thing, part):
            try:
                importlib.import_module(path)
            except ImportError:
                return False
        thing = getattr(thing, part)
    return True


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert not list(broken_links(page))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_name_of_harkit_exists(page: Path) -> None:
    assert not [name for name in sorted(set(NAME.findall(page.read_text()))) if not exists(name)]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_command_exists(page: Path) -> None:
    shell = "\n".join(code(page, "", "sh", "bash", "console"))
    named = set(COMMAND.findall(shell)) | set(re.findall(r"`harkit ([a-z][\w-]*)", prose(page)))
    if named:
        assert named <= set(importlib.import_module("harkit.cli").main.commands)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_make_target_exists(page: Path) -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert set(TARGET.findall(page.read_text())) <= set(phony)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_file_and_folder_exists(page: Path) -> None:
    named = {place for place in PLACE.findall(prose(page)) if not PLACEHOLDER.search(place)}
    assert not [place for place in sorted(named) if not (ROOT / place).exists()]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_python_snippet_is_python(page: Path) -> None:
    for snippet in code(page, "python"):
        ast.parse(snippet)


def test_what_is_broken_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# A Heading, here\n[a](page.md) [b](#a-heading-here) [c](page.md#nowhere) ![d](no.png)\n"
        '[e](https://example.org/x) <img src="gone.png"> `[f](in-code.md)` [g](../outside.md)\n'
        "```\n[h](in-a-block.md)\n```\n"
    )
    assert list(broken_links(page)) == ["page.md#nowhere", "no.png", "gone.png", "../outside.md"]
    assert exists("harkit.errors.DecodeError") and not exists("harkit.errors.NoSuchError")
    assert NAME.findall(
        '`harkit.errors`, "harkit.ffmpeg", python/harkit.md, harkit.video. See harkit.a.b()'
    ) == [*("harkit.errors", "harkit.video", "harkit.a.b")]
