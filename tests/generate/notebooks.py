"""Run notebooks from top to bottom, without data, and store what they print and draw.

    python tests/generate/notebooks.py                    # all of them
    python tests/generate/notebooks.py kth-stip-bow …     # some

In the environment of the tests. Metadata are cut down to what the tests allow: nothing of the machine stays.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=600, coalesce_streams=True, resources=resources).execute()
    notebook.metadata = METADATA
    for cell in notebook.cells:
        cell.metadata = {}
    nbformat.write(notebook, path)


def main(names: list[str]) -> None:
    os.environ.pop("HARKIT_DATA", None)
    for path in sorted(FOLDER.glob("*.ipynb")):
        if not names or path.stem in names:
            print(path.name, flush=True)
            run(path)


if __name__ == "__main__":
    main(sys.argv[1:])
