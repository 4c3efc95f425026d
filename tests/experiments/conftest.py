"""What tests of experiments share."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import toy
from harkit import experiments


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.draw(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that all tests fill and use."""
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="session")
def result(films: Path, features: Path) -> experiments.Result:
    """The finished run of all persons but Dan, two seeds."""
    return experiments.run(toy.HOLD_OUT, films, seeds=2, cache=features)
