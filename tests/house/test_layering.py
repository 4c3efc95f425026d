"""The floors of the house, held on both sides: a room uses what lies below it (docs/architecture.md).

Every arrow is listed, in `RUST` and in `PYTHON`; whatever is not listed is forbidden. A new room is one
new line here.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BASE = {"error", "clip", "random", "parallel", "aligned", "simd"}
STAGES = {"video", "sampling", "enhancement", "transforms"}

# Room -> the rooms of the crate that it may use.
RUST: dict[str, set[str]] = {
    "error": set(),
    **{room: {"error"} for room in ("clip", "random", "parallel", "aligned", "simd")},
    **dict.fromkeys(STAGES, BASE),
    "loading": BASE | STAGES,
    "stip": BASE,
    "encoders": BASE,
    "nn": BASE,
    "weights": BASE,
    "models": BASE | {"nn", "weights"},
    "training": BASE | {"nn", "weights", "models"},
}
RUST["py"] = set(RUST)

# Crates that one room has for itself.
HOMES = {
    "pyo3": "py",
    "numpy": "py",
    "video_rs": "video",
    "ffmpeg_next": "video",
    "rayon": "parallel",
    "candle_nn": "nn",
    "gemm": "nn",
    "safetensors": "weights",
    "zip": "weights",
}

# From the ground up; a room may import what stands on a lower floor. Private modules of the package
# (`_progress`, …) stand on one floor of their own, and `harkit` itself, which names everything, near the top.
PYTHON: list[set[str]] = [
    {"_core"},
    {"errors"},
    {"_private"},
    STAGES,
    {"loading"},
    {"datasets", "inspection", "plotting", "weights", "cache"},
    {"models", "stip", "encoders"},
    {"training"},
    {"experiments", "distributed"},
    {"harkit"},
    {"cli"},
]

LITERAL = r'r?b?"(?:\\.|[^"\\])*"'
COMMENT = r"//[^\n]*|/\*.*?\*/"
RUST_PATH = re.compile(r"\b((?:super::)+|crate::)(\{|\w+)")


def rust_files() -> list[Path]:
    return sorted((ROOT / "src").rglob("*.rs"))


def python_files() -> list[Path]:
    return sorted((ROOT / "python" / "harkit").rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def code_of(text: str) -> str:
    """Rust without comments and string literals."""
    return re.sub(rf"({LITERAL})|{COMMENT}", lambda found: '""' if found[1] else " ", text, flags=re.DOTALL)


def module_of(path: Path) -> list[str]:
    """`src/video/plan.rs` is `video::plan`, `src/video/mod.rs` is `video`, `src/lib.rs` is the root."""
    parts = list(path.relative_to(ROOT / "src").with_suffix("").parts)
    return parts[:-1] if parts[-1] in ("mod", "lib") else parts


def heads(text: str, start: int) -> list[str]:
    """First names in a brace list `{a::b, c::{d, e}}` whose `{` stands before `start`."""
    names, depth, expected = [], 1, True
    for token in re.finditer(r"\w+|[{},]", text[start:]):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
            if depth == 0:
                break
        elif token[0] == ",":
            expected = depth == 1
        elif expected and depth == 1:
            names.append(token[0])
            expected = False
    return names


def rust_arrows(text: str, module: list[str]) -> set[str]:
    """The rooms that a file names, by `crate::` or by climbing to the root with `super::`."""
    code = code_of(text)
    rooms: set[str] = set()
    for found in RUST_PATH.finditer(code):
        climbs = found[1].count("super")
        if climbs and climbs < len(module):
            continue
        names = heads(code, found.end()) if found[2] == "{" else [found[2]]
        rooms.update(name for name in names if name in RUST or not climbs)
    return rooms - {module[0]}


def python_room(module: str) -> str:
    """The room of a dotted name: `harkit.datasets.kth` -> `datasets`."""
    parts = module.split(".")
    room = parts[1] if len(parts) > 1 else "harkit"
    return "_private" if room.startswith("_") and room != "_core" else room


def python_arrows(source: str, module: str, *, is_package: bool) -> set[tuple[int, str]]:
    """(line, dotted name) for each import of harkit in a file, also inside functions."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    rooms = {name for floor in PYTHON for name in floor}
    found: set[tuple[int, str]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = package[: len(package) - node.level + 1] if node.level else []
            origin = [*origin, *(node.module.split(".") if node.module else [])]
            names = [".".join(origin)]
            if origin == ["harkit"]:
                names = [
                    f"harkit.{alias.name}" if alias.name in rooms or alias.name.startswith("_") else "harkit"
                    for alias in node.names
                ]
        else:
            continue
        found.update((node.lineno, name) for name in names if name.split(".")[0] == "harkit")
    return found


def floor_of(room: str) -> int:
    floors = [i for i, floor in enumerate(PYTHON) if room in floor]
    assert floors, f"room `{room}` stands on no floor: add it to PYTHON and to docs/architecture.md"
    return floors[0]


@pytest.mark.parametrize("path", rust_files(), ids=relative)
def test_a_rust_room_uses_only_the_rooms_below_it(path: Path) -> None:
    module = module_of(path)
    if not module:  # lib.rs lists the rooms
        return
    room = module[0]
    assert room in RUST, f"room `{room}` stands on no floor: add it to RUST and to docs/architecture.md"
    forbidden = rust_arrows(path.read_text(), module) - RUST[room]
    assert not forbidden, f"{relative(path)}: `{room}` may not use {sorted(forbidden)}"


@pytest.mark.parametrize("path", rust_files(), ids=relative)
def test_a_foreign_crate_is_used_by_its_room_alone(path: Path) -> None:
    room = (module_of(path) or ["lib"])[0]
    used = set(re.findall(r"(?<![\w:])(\w+)::", code_of(path.read_text())))
    strangers = {crate: home for crate, home in HOMES.items() if crate in used and home != room}
    assert not strangers, f"{relative(path)}: only the named room may use these crates: {strangers}"


@pytest.mark.parametrize("path", python_files(), ids=relative)
def test_a_python_room_imports_only_from_floors_below(path: Path) -> None:
    is_package = path.name == "__init__.py"
    parts = path.relative_to(ROOT / "python").with_suffix("").parts
    module = ".".join(parts[:-1] if is_package else parts)
    room = python_room(module)
    if room == "harkit":  # the package itself names everything
        return
    for line, name in sorted(python_arrows(path.read_text(), module, is_package=is_package)):
        other = python_room(name)
        if name == module or other == room != "_private":
            continue
        assert floor_of(other) < floor_of(room), f"{relative(path)}:{line}: `{room}` may not import `{name}`"


def test_every_room_with_a_binding_has_its_face_its_tests_and_its_guide() -> None:
    # Networks show themselves as `harkit.models`.
    bindings = {path.stem for path in (ROOT / "src" / "py").glob("*.rs")} - {"mod", "runtime", "nn"}
    missing = [
        place
        for room in sorted(bindings & set(RUST))
        for place in (f"src/{room}", f"python/harkit/{room}", f"tests/{room}", f"docs/guide/{room}.md")
        if not (ROOT / place).exists() and not (ROOT / f"{place}.py").exists()
    ]
    assert not missing


def test_no_file_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "common", "helpers", "helper", "misc"}
    files = [*rust_files(), *python_files()]
    assert not [relative(path) for path in files if drawers & set(path.with_suffix("").parts)]


@pytest.mark.parametrize(
    ("text", "module", "rooms"),
    [
        ("use crate::clip::Clip;", ["video"], {"clip"}),
        ("use crate::{\n    clip::{Clip, FrameShape},\n    error::Error,\n};", ["video"], {"clip", "error"}),
        ("fn f() -> crate::loading::Recipe {}", ["video", "plan"], {"loading"}),
        ("use super::super::loading::Recipe;", ["video", "plan"], {"loading"}),
        ("use super::{loading, plan};", ["video"], {"loading"}),
        ("use super::loading;", ["video", "plan"], set()),  # video::loading, a file of the room
        ('// crate::loading\nlet s = "crate::loading"; /* crate::py */', ["video"], set()),
        ("use crate::video::plan; use crate::cellar::Wine;", ["video"], {"cellar"}),
    ],
)
def test_rust_arrows_are_read_as_the_compiler_reads_them(
    text: str, module: list[str], rooms: set[str]
) -> None:
    assert rust_arrows(text, module) == rooms


@pytest.mark.parametrize(
    ("source", "module", "is_package", "names"),
    [
        ("import harkit", "harkit.cli", False, {"harkit"}),
        ("from harkit import read_clip, sampling", "harkit.cli", False, {"harkit", "harkit.sampling"}),
        (
            "from . import kth\nfrom .. import video",
            "harkit.datasets",
            True,
            {"harkit.datasets", "harkit.video"},
        ),
        ("def f():\n    from harkit.loading import x", "harkit.video", False, {"harkit.loading"}),
        ("import numpy as np", "harkit.video", False, set()),
    ],
)
def test_python_arrows_are_read_as_the_interpreter_does(
    *, source: str, module: str, is_package: bool, names: set[str]
) -> None:
    assert {name for _, name in python_arrows(source, module, is_package=is_package)} == names
