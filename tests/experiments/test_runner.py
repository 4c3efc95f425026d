"""Runs: the protocol kept, seeds, folds, and what happens when a process dies or has company."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments import toy
from harkit import experiments
from harkit.datasets import Split
from harkit.errors import ArgumentError, MissingFileError
from harkit.experiments import Recogniser, Record
from harkit.stip import DescriptorSets

TESTS = Path(__file__).parents[1]


def answers(record: Record) -> list[list[tuple[str, int, int, list[float | None]]]]:
    """Everything that a run found, and nothing of how long it took."""
    return [[(p.name, p.label, p.predicted, p.scores) for p in run.predictions] for run in record.runs]


def test_a_run_gives_what_its_parts_give_by_hand(films: Path, result: experiments.Result) -> None:
    [fold] = toy.hold_out(films / "toy").folds
    for run in result.record.runs:
        recogniser = toy.recipe(run.seed)
        [train], [test] = (recogniser.views(part, cache=None) for part in (fold.train, fold.test))
        features = recogniser.encoder.fit(train).transform(train)
        recogniser.classifier.fit(features, fold.train.labels)
        scores = recogniser.classifier.decision_function(recogniser.encoder.transform(test))
        np.testing.assert_array_equal(scores, [p.scores for p in run.predictions])
        assert [p.predicted for p in run.predictions] == scores.argmax(1).tolist()
        assert run.train_hits == (recogniser.classifier.predict(features) == fold.train.labels).sum()
        assert [(p.name, p.group, p.label) for p in run.predictions] == list(
            zip(fold.test.names, fold.test.groups, fold.test.labels, strict=True)
        )


def test_each_item_is_recognised_once_by_what_others_taught(
    films: Path, features: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[set[str], set[str]]] = []
    fit, answer = Recogniser.fit, Recogniser.answer

    def fitted(
        self: Recogniser, views: list[DescriptorSets], labels: np.ndarray, groups: list[str]
    ) -> Recogniser:
        assert [len(view) for view in views] == [len(labels)] * len(views)
        seen.append(({Path(name).stem for view in views for name in view.names}, set()))
        assert seen[-1][0] == set(groups)
        return fit(self, views, labels, groups)

    def answered(self: Recogniser, sets: DescriptorSets) -> tuple[np.ndarray, np.ndarray]:
        seen[-1][1].update(Path(name).stem for name in sets.names)
        return answer(self, sets)

    monkeypatch.setattr(Recogniser, "fit", fitted)
    monkeypatch.setattr(Recogniser, "answer", answered)
    result = experiments.run(toy.LOPO, films, mode="chosen", cache=features)
    everyone = set(toy.PERSONS)
    assert seen[:4] == [(everyone - {person}, {person}) for person in toy.PERSONS]
    assert seen[4:] == [(everyone, set())]  # the recogniser that is kept
    record = result.record
    assert record.n_train == [9] * 4
    assert sorted(p.name for p in record.runs[0].predictions) == sorted(toy.everything(films / "toy").names)
    assert len(record.runs[0].chosen) == 4 and set(record.runs[0].chosen[0]) == {"C"}
    assert record.summary()["hits"][0] >= 8, "chance is 4 of 12"
    assert record.complete and record.reported is None


def test_the_same_run_gives_the_same_again_and_seeds_differ(
    films: Path, features: Path, result: experiments.Result
) -> None:
    again = experiments.run(toy.HOLD_OUT, films / "toy", seeds=2, cache=features)
    assert answers(again.record) == answers(result.record)
    first, second = answers(result.record)
    assert [p[3] for p in first] != [p[3] for p in second]


def test_a_part_of_the_data_is_said_to_be_one(films: Path, tmp_path: Path, features: Path) -> None:
    part = shutil.copytree(films / "toy", tmp_path / "toy")
    shutil.rmtree(part / "hop")
    (part / "grow" / "cleo.mkv").unlink()
    result = experiments.run(toy.HOLD_OUT, tmp_path, cache=features)
    record = result.record
    assert set(record.missing) == {"cleo_grow", *(f"{person}_hop" for person in toy.PERSONS)}
    assert record.absent_classes == ["hop"] and not record.complete
    assert record.n_train == [5] and record.summary()["n"] == 2
    assert all(p.scores[1] is None for p in record.runs[0].predictions)
    record.write(tmp_path)  # without infinities, which JSON has not


@pytest.mark.parametrize("kept", ["grow/ann.mkv", "grow/dan.mkv", "*/ann.mkv", "grow/*.mkv"])
def test_too_few_data_give_a_record_without_a_figure(
    films: Path, tmp_path: Path, features: Path, kept: str
) -> None:
    for path in (films / "toy").glob(kept):
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / path.parent.name)
    result = experiments.run(toy.HOLD_OUT, tmp_path, cache=features)
    assert result.record.runs == [] and result.record.summary() == {}
    assert result.recogniser is None and not result.record.complete
    assert Record.read(result.record.write(tmp_path / "out")).runs == []


def test_no_item_at_all_is_a_record_too(tmp_path: Path) -> None:
    record = experiments.run(toy.HOLD_OUT, tmp_path).record
    assert len(record.missing) == 12 and record.files == {}
    assert record.n_points == {"all": 0, "fewest": 0, "most": 0}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"seeds": 0}, "`seeds` must be at least 1, got 0"), ({"mode": "best"}, "must be one of 'plain'")],
)
def test_wrong_arguments_are_named(films: Path, options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ArgumentError, match=complaint):
        experiments.run(toy.HOLD_OUT, films, **options)


def test_a_video_that_is_gone_is_named(films: Path) -> None:
    def moved(folder: Path) -> experiments.Material:
        [fold] = toy.hold_out(folder).folds
        paths = [*fold.train.paths[:-1], "gone.mkv"]
        train = Split("t", fold.train.classes, paths, fold.train.labels, fold.train.groups, fold.train.names)
        return experiments.Material((experiments.Fold(train, fold.test),))

    with pytest.raises(MissingFileError, match=r"gone\.mkv"):
        experiments.run(replace(toy.HOLD_OUT, material=moved), films)


def test_steps_are_told_and_videos_counted(films: Path) -> None:
    lines: list[str] = []
    counts: list[int] = []
    experiments.run(toy.HOLD_OUT, films, seeds=2, progress=counts.append, tell=lines.append)
    assert lines == ["12 videos: features", "seed 0: 1 fold", "seed 1: 1 fold"]
    assert counts[-1] == 12 and counts == sorted(counts)


# Processes that die, or have company.

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from experiments import toy
from harkit import experiments
films, cache, out = sys.argv[2:]
tell = lambda done: print(done, flush=True)
experiments.run(toy.HOLD_OUT, films, seeds=2, cache=cache, progress=tell).record.write(out)
"""


def start(films: Path, cache: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(TESTS), str(films), str(cache), str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def entries(cache: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in cache.rglob("entry.json")}


def test_a_killed_run_goes_on_where_it_was(films: Path, tmp_path: Path, result: experiments.Result) -> None:
    cache = tmp_path / "cache"
    first = start(films, cache, tmp_path / "never")
    assert first.stdout is not None
    while int(first.stdout.readline()) < 3:
        time.sleep(0)
    first.kill()
    first.communicate()
    assert first.returncode == -signal.SIGKILL and not (tmp_path / "never").exists()
    before = entries(cache)
    assert len(before) >= 3
    second = start(films, cache, tmp_path / "out")
    assert second.communicate()[1] == "" and second.returncode == 0
    after = entries(cache)
    assert before.items() <= after.items(), "what was there was taken as it was"
    assert answers(Record.read(tmp_path / "out")) == answers(result.record)


def test_two_processes_with_one_cache_find_the_same(
    films: Path, tmp_path: Path, result: experiments.Result
) -> None:
    both = [start(films, tmp_path / "cache", tmp_path / name) for name in ("one", "two")]
    for process in both:
        assert process.communicate()[1] == "" and process.returncode == 0
    for name in ("one", "two"):
        assert answers(Record.read(tmp_path / name)) == answers(result.record)
    assert not list((tmp_path / "cache" / "unfinished").iterdir())
