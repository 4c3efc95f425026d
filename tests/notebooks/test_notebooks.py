"""Notebooks run from top to bottom on small data, and hold what a reader needs and no paths."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
MOST_BYTES = 400_000

# Jupyter's own warnings are not ours; its client runs a loop of its own. A vocabulary takes a while.
SECONDS = 300
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(SECONDS)]


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def run(path: Path, folder: Path) -> list[str]:
    """Execute in `folder`; the texts that the cells give."""
    notebook = read(path)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=SECONDS, coalesce_streams=True, resources=resources).execute()
    return texts(notebook)


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    """What was printed or is a value; not how a picture calls itself."""
    printed = [output["text"] for output in outputs(notebook) if output.output_type == "stream"]
    values = [o["data"]["text/plain"] for o in outputs(notebook) if o.output_type == "execute_result"]
    return printed + values


def pictures(notebook: nbformat.NotebookNode) -> int:
    return sum(
        any(kind.startswith("image/") for kind in output.get("data", {})) for output in outputs(notebook)
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_data_and_gives_the_texts_that_are_stored(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HARKIT_DATA", raising=False)
    given = run(path, tmp_path)
    if platform.machine() == "x86_64":  # elsewhere a codec may round in another way
        assert given == texts(read(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_real_data(path: Path, tmp_path: Path, data: Path) -> None:
    assert os.environ["HARKIT_DATA"]
    assert run(path, tmp_path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_was_run_from_top_to_bottom_and_has_its_pictures(path: Path) -> None:
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert pictures(notebook) >= 5
    assert not [
        output
        for output in outputs(notebook)
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    assert path.stat().st_size < MOST_BYTES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_names_no_machine(path: Path) -> None:
    notebook = read(path)
    for cell in notebook.cells:
        cell.outputs = [
            {
                **output,
                "data": {kind: text for kind, text in output.get("data", {}).items() if "image" not in kind},
            }
            for output in cell.get("outputs", [])
        ]
    everything = json.dumps(notebook)
    assert not re.findall(r"(?<![\w.])/(?:home|root|tmp|usr|work|Users|private)/[\w/]*|[A-Z]:\\", everything)
    assert not re.search(rf"\b{re.escape(os.uname().nodename)}\b", everything)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec == {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    assert not any(cell.metadata for cell in notebook.cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_the_public_face_alone(path: Path) -> None:
    source = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    assert not re.findall(r"harkit\._|harkit\.\w+\._|from harkit\S* import _|import _core", source)
