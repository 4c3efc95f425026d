"""Small made-up trees, as the publishers lay them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from harkit.datasets import Split


@pytest.fixture
def touch(tmp_path: Path) -> Callable[..., Path]:
    """Make empty files below a fresh folder: ``touch("a/b.avi", "c.avi")``."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


@pytest.fixture(scope="session")
def made_up() -> Callable[..., Split]:
    """Make a split of files named by their position: ``made_up(labels, groups)``."""

    def make(labels: Iterable[int], groups: Iterable[str], name: str = "train") -> Split:
        numbers = np.array(list(labels), dtype=np.int64)
        classes = tuple(f"class{label}" for label in range(int(numbers.max(initial=0)) + 1))
        names = [f"clip{i}" for i in range(len(numbers))]
        return Split(name, classes, [f"{own}.avi" for own in names], numbers, list(groups), names)

    return make
