"""Every public name is documented in numpydoc's form, and its parameters are the ones that it has.

Public is what the `__all__` of a public module lists, and the public methods and properties that such
a class defines.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import harkit

SECTION = re.compile(r"^(\w[\w ]*?) *\n-{3,}$", re.MULTILINE)
SECTIONS = {
    *("Parameters", "Other Parameters", "Attributes", "Methods"),
    *("Returns", "Yields", "Raises", "Warns", "Warnings"),
    *("See Also", "Notes", "References", "Examples"),
}


def public_modules() -> list[str]:
    names = [name for _, name, _ in pkgutil.walk_packages(harkit.__path__, "harkit.")]
    return ["harkit", *(name for name in names if not any(part.startswith("_") for part in name.split(".")))]


def public_names() -> Iterator[tuple[str, Any]]:
    """(dotted name, object) of every class and function of harkit, once, where it is first public."""
    seen: set[int] = set()
    for module_name in sorted(public_modules(), key=lambda name: -name.count(".")):
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            ours = getattr(thing, "__module__", "").startswith("harkit")
            if ours and id(thing) not in seen and (inspect.isclass(thing) or inspect.isroutine(thing)):
                seen.add(id(thing))
                yield f"{module_name}.{name}", thing


def members(owner: str, kind: type) -> Iterator[tuple[str, Any]]:
    for name, member in vars(kind).items():
        if not name.startswith("_") and (
            callable(member) or isinstance(member, (property, classmethod, staticmethod))
        ):
            yield f"{owner}.{name}", member


PUBLIC = dict(public_names())
MEMBERS = {
    name: member
    for owner, kind in PUBLIC.items()
    if inspect.isclass(kind)
    for name, member in members(owner, kind)
}


def split_sections(doc: str) -> dict[str, str]:
    """Section title -> its text; the part before the first section is under the empty title."""
    pieces = SECTION.split(inspect.cleandoc(doc))
    return {"": pieces[0], **dict(zip(pieces[1::2], pieces[2::2], strict=True))}


def listed(section: str) -> list[str]:
    """Names that a Parameters or Attributes section lists: `a, b : type` at the left margin."""
    heads = [line.split(" :")[0] for line in section.splitlines() if line and not line[0].isspace()]
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def parameters(thing: Any) -> list[str]:
    names = [name for name in inspect.signature(thing).parameters if not name.startswith("_")]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def complaints_about_form(doc: str | None) -> list[str]:
    if not doc or not doc.strip():
        return ["has no docstring"]
    sections = split_sections(doc)
    summary = sections[""].split("\n\n")[0].strip()
    found = [f"has an unknown section `{title}`" for title in sections if title not in {"", *SECTIONS}]
    if not summary.endswith("."):
        found.append(f"has a summary that does not end with a full stop: {summary!r}")
    return found


def complaints_about_function(thing: Any) -> list[str]:
    doc = inspect.getdoc(thing)
    found = complaints_about_form(doc)
    if not doc:
        return found
    sections = split_sections(doc)
    documented = listed(sections.get("Parameters", "")) + listed(sections.get("Other Parameters", ""))
    if documented != parameters(thing):
        found.append(f"documents the parameters {documented}, has {parameters(thing)}")
    returned = inspect.signature(thing).return_annotation
    if returned not in (None, "None", inspect.Signature.empty) and not {"Returns", "Yields"} & set(sections):
        found.append("has no Returns section")
    return found


def complaints_about_class(kind: type) -> list[str]:
    """A class documents what its constructor takes, as Parameters or, for results, as Attributes."""
    doc = kind.__doc__
    found = complaints_about_form(doc)
    if not doc or issubclass(kind, Exception):
        return found
    sections = split_sections(doc)
    taken = listed(sections.get("Parameters", "")) + listed(sections.get("Other Parameters", ""))
    carried = listed(sections.get("Attributes", ""))
    try:
        actual = parameters(kind)
    except ValueError:  # no constructor in Python's eyes
        actual = []
    if unknown := set(taken) - set(actual):
        found.append(f"documents parameters that it lacks: {sorted(unknown)}")
    if missing := set(actual) - set(taken) - set(carried):
        found.append(f"does not document {sorted(missing)}")
    return found


@pytest.mark.parametrize("name", public_modules())
def test_a_public_module_says_what_it_is_for_and_what_is_public(name: str) -> None:
    module = importlib.import_module(name)
    assert not complaints_about_form(module.__doc__)
    assert all(hasattr(module, public) for public in module.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_documented_as_it_is(name: str) -> None:
    thing = PUBLIC[name]
    check = complaints_about_class if inspect.isclass(thing) else complaints_about_function
    assert not check(thing), name


@pytest.mark.parametrize("name", MEMBERS)
def test_a_public_method_or_property_is_documented_as_it_is(name: str) -> None:
    member = MEMBERS[name]
    if isinstance(member, property):
        assert not complaints_about_form(member.__doc__), name
    else:
        assert not complaints_about_function(getattr(member, "__func__", member)), name


def brighten(clip: Any, *, gain: float = 1.0) -> Any:
    """Multiply each value.

    Parameters
    ----------
    clip : ndarray
        The frames.
    """


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda doc: doc, "documents the parameters ['clip'], has ['clip', 'gain']"),
        (lambda doc: doc + "    gain : float\n        The factor.\n", "has no Returns section"),
        (lambda doc: doc.replace("Parameters", "Arguments "), "has an unknown section `Arguments`"),
        (lambda doc: doc.replace("value.", "value"), "has a summary that does not end"),
        (lambda doc: "", "has no docstring"),
    ],
)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, change: Any, complaint: str) -> None:
    monkeypatch.setattr(brighten, "__doc__", change(brighten.__doc__))
    assert any(complaint in found for found in complaints_about_function(brighten))
