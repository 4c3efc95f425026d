"""Every kind of error of the core is one exception class, which is also the builtin that users expect."""

from __future__ import annotations

import builtins
import copy
import pickle
import re
from pathlib import Path

import pytest

from harkit import errors

ROOT = Path(__file__).parents[2]
ENUM = (ROOT / "src" / "error.rs").read_text().split("pub enum ErrorKind {")[1].split("\n}")[0]
MAPPING = (ROOT / "src" / "py" / "runtime.rs").read_text().split("fn class_name")[1].split("\n}")[0]

KINDS = re.findall(r"^\s+(\w+),$", ENUM, re.MULTILINE)
# The doc comment of a kind ends with the builtin that it becomes: (`ValueError`).
BUILTINS = {kind: builtin for builtin, kind in re.findall(r"\(`(\w+)`\)\.\n\s+(\w+),$", ENUM, re.MULTILINE)}
CLASSES = {
    kind: name
    for arm, name in re.findall(r'(ErrorKind::[^=]+)=> "(\w+)"', MAPPING)
    for kind in re.findall(r"ErrorKind::(\w+)", arm)
}
PUBLIC = [getattr(errors, name) for name in errors.__all__]


def test_the_kinds_are_read_from_the_core() -> None:
    assert len(KINDS) >= 10
    assert set(CLASSES) == set(KINDS)
    assert set(BUILTINS) == set(KINDS) - {"Cancelled"}  # Ctrl-C stays KeyboardInterrupt


@pytest.mark.parametrize("kind", BUILTINS)
def test_a_kind_is_a_class_of_harkit_and_the_builtin_that_the_core_promises(kind: str) -> None:
    raised = getattr(errors, CLASSES[kind])
    assert CLASSES[kind] in errors.__all__
    assert issubclass(raised, errors.HarkitError)
    assert issubclass(raised, getattr(builtins, BUILTINS[kind]))


def test_no_class_is_without_a_kind() -> None:
    of_python_alone = {"HarkitError", "MissingPackageError"}
    assert {raised.__name__ for raised in PUBLIC} == set(CLASSES.values()) | of_python_alone


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_an_error_keeps_message_path_and_frame_when_pickled_or_copied(kind, again) -> None:
    error = again(kind("a.mp4: frame 3: is damaged", path="a.mp4", frame=3))
    assert type(error) is kind
    assert (str(error), error.path, error.frame) == ("a.mp4: frame 3: is damaged", "a.mp4", 3)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_path_and_frame_are_none_where_they_are_not_known(kind) -> None:
    error = kind("`gamma` must be positive, got -1")
    assert (error.path, error.frame) == (None, None)
    assert str(error) == "`gamma` must be positive, got -1"
