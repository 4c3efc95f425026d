"""Records: their figures, written and read, and files that are none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn

import harkit
from experiments.toy import CLASSES
from harkit.cache import content_hash
from harkit.errors import ArgumentError, MissingFileError
from harkit.experiments import Prediction, Record, Result, Run, group_interval, read_records, wilson_interval


def run_of(seed: int, answers: list[tuple[int, int]]) -> Run:
    pairs = enumerate(answers)
    predictions = [
        Prediction(f"{i}", "ab"[i % 2], true, given, [0.0, None, 1.5]) for i, (true, given) in pairs
    ]
    return Run(seed, predictions, 0.5, [{"C": 10.0}], 7)


def record_of(*runs: Run, **changes: Any) -> Record:
    made = Record(
        experiment="toy/test",
        mode="plain",
        about="learn from three",
        command="harkit run toy/test --mode plain --data DIR",
        started="2030-01-02T03:04:05+00:00",
        classes=list(CLASSES),
        settings={"mirrored": False},
        versions={"harkit": "1"},
        machine={"processor": "one", "system": "that", "threads": "2"},
        files={"a.avi": "00ff"},
        missing=[],
        absent_classes=[],
        note="",
        n_train=[9],
        n_points={"all": 10, "fewest": 1, "most": 5},
        n_values=None,
        seconds={"features": 1.0, "all": 2.0},
        reported={"hits": 2, "n": 3, "source": "table 1", "confusion": None, "train": [8, 9], "differs": ""},
        runs=list(runs),
    )
    return replace(made, **changes)


ANSWERS = [(0, 0), (0, 0), (0, 1), (1, 1), (1, 1), (1, 0), (1, 1), (2, 0)]


def test_a_summary_is_what_one_counts_by_hand() -> None:
    record = record_of(run_of(0, ANSWERS), run_of(1, [(0, 0)] * 8))
    summary = record.summary()
    assert summary["n"] == 8 and summary["hits"] == [5, 8] and summary["n_groups"] == 2
    assert summary["mean"] == pytest.approx(6.5 / 8) and summary["range"] == [5 / 8, 1.0]
    assert summary["sd"] == pytest.approx(np.std([5 / 8, 1], ddof=1))
    assert summary["mean_class"] == pytest.approx((2 / 3 + 3 / 4 + 0) / 3)
    assert summary["wilson"] == list(wilson_interval(5, 8))
    assert summary["train_hits"] == [7, 7] and summary["train_n"] == 9
    assert summary["groups"] == group_interval([a == b for a, b in ANSWERS], list("abababab"))
    assert record.confusion().tolist() == [[2, 1, 0], [1, 3, 0], [1, 0, 0]]


def test_one_seed_has_no_spread_and_no_run_no_figure() -> None:
    assert record_of(run_of(0, ANSWERS)).summary()["sd"] is None
    assert record_of().summary() == {}
    assert record_of().confusion().tolist() == [[0] * 3] * 3


def test_a_record_that_lacks_anything_is_not_complete() -> None:
    assert record_of().complete
    assert not record_of(missing=["x"]).complete
    assert not record_of(absent_classes=["hop"]).complete


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    record = record_of(run_of(0, ANSWERS), run_of(1, ANSWERS), missing=["ä"], note="π")
    path = record.write(tmp_path / "new" / "folder")
    assert Record.read(path) == Record.read(path.parent) == record
    assert [entry.name for entry in path.parent.iterdir()] == ["record.json"]
    known = json.loads(path.read_text(encoding="utf-8"))
    assert known["summary"]["hits"] == [5, 5]  # for those who read JSON and not harkit


def test_an_older_record_is_replaced_and_one_that_fails_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_of(note="old").write(tmp_path)
    record_of(note="new").write(tmp_path)
    assert Record.read(tmp_path).note == "new"

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        record_of(note="newer").write(tmp_path)
    monkeypatch.undo()
    assert Record.read(tmp_path).note == "new"
    assert [path for path, _ in read_records(tmp_path)] == [tmp_path]


ANSWER = {"name": "a", "group": "b", "label": 0, "predicted": 0, "scores": []}
REPORTED = {"hits": 2, "n": 3, "source": "", "confusion": None, "train": None, "differs": ""}


def whole() -> dict[str, Any]:
    return json.loads(json.dumps({"format": 1, **vars(record_of())}))


def with_run(**changes: Any) -> str:
    run = {"seed": 0, "seconds": 0, "chosen": [], "train_hits": 0, "predictions": [ANSWER], **changes}
    return json.dumps({**whole(), "runs": [run]})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is no record: "),
        ("{", "is no record: "),
        ("[1, 2]", "is no record of format 1"),
        ('{"format": 2}', "is no record of format 1"),
        ('{"format": 1}', "is no whole record: 'runs'"),
        (json.dumps({"format": 1, "runs": []}), "is no whole record: .*missing"),
        (json.dumps({**whole(), "surprise": 1}), "is no whole record: .*surprise"),
        (json.dumps({**whole(), "runs": [{"seed": 0}]}), "is no whole record: 'predictions'"),
        (json.dumps({**whole(), "runs": 5}), "is no whole record: "),
        (json.dumps({**whole(), "classes": 5}), "is no whole record: `classes`"),
        (with_run(predictions=[{**ANSWER, "predicted": 3}]), "is no whole record: .*label 3.* 3 classes"),
        (with_run(predictions=[]), "is no whole record: a run without predictions"),
        (with_run(train_hits=10), "is no whole record: .*10 of 9"),
        (json.dumps({**whole(), "reported": {**REPORTED, "hits": 4}}), "is no whole record: .*4 of 3"),
        (json.dumps({**whole(), "reported": {**REPORTED, "train": [4, 3]}}), "is no whole record: .*4 of 3"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_record_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "record.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArgumentError, match=f"record.json: {complaint}"):
        Record.read(tmp_path)


def test_bytes_that_are_no_text_and_a_folder_without_a_record_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="there is no record"):
        Record.read(tmp_path)
    (tmp_path / "record.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ArgumentError, match="is no record"):
        Record.read(tmp_path)


def test_records_below_a_folder_are_sorted(tmp_path: Path) -> None:
    for place, name, mode in (("z", "a/x", "n"), ("b", "b/x", "m"), ("a/c", "a/x", "m")):
        record_of(experiment=name, mode=mode).write(tmp_path / place)
    assert [path.relative_to(tmp_path).as_posix() for path, _ in read_records(tmp_path)] == ["a/c", "z", "b"]
    assert read_records(tmp_path / "z" / "nothing") == []


def test_a_run_records_what_it_takes_to_repeat_it(result: Result, films: Path) -> None:
    record = result.record
    assert record.command == "harkit run toy/test --mode plain --seeds 2 --data DIR"
    assert record.versions["harkit"] == harkit.__version__
    assert record.versions["scikit-learn"] == sklearn.__version__
    assert record.machine["threads"] == str(harkit.num_threads()) and record.machine["processor"]
    assert (
        record.settings["extractor"]["descriptor"] == "jet34" and "BagOfWords" in record.settings["encoder"]
    )
    assert len(record.files) == 12
    assert record.files["grow/ann.mkv"] == content_hash(films / "toy" / "grow" / "ann.mkv")
    assert [run.seed for run in record.runs] == [0, 1] and record.n_train == [9]
    assert record.n_points is not None and record.n_values is None
    assert 0 < record.n_points["fewest"] <= record.n_points["most"] < record.n_points["all"]
    assert 0 < record.seconds["features"] <= record.seconds["all"]
    assert record.reported["confusion"] == ((1, 0, 0), (0, 1, 0), (1, 0, 0))
