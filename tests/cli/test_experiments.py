"""The commands around experiments, on the drawn films of `experiments.toy`: prints, files, refusals."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from experiments import toy
from harkit import experiments
from harkit.cli import main

KEPT = {"record.json", "model", "confusion.png"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.draw(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toy experiments beside harkit's own; no data but what a test names."""
    monkeypatch.delenv("HARKIT_DATA", raising=False)
    for experiment in (toy.LOPO, toy.HOLD_OUT):
        monkeypatch.setitem(experiments.EXPERIMENTS, experiment.id, experiment)


@pytest.fixture
def out(films: Path, features: Path, tmp_path: Path) -> Path:
    """The folder of a finished run."""
    done = run("run", "toy/test", "--data", films, "--out", tmp_path / "out", "--cache", features)
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


# harkit list


def test_all_experiments_are_listed_with_what_they_need(tmp_path: Path) -> None:
    done = run("list", "--records", tmp_path / "none")
    assert done.exit_code == 0
    above, needs = done.stdout.split("\nneeds\n")
    head, *rows = above.splitlines()
    assert head.split() == ["experiment", "reported", "reproduced", "what"]
    listed = {row.split()[0]: row.split()[1:] for row in rows}
    assert set(listed) == set(experiments.EXPERIMENTS)
    assert " ".join(listed["kth-stip-bow/test"]).startswith("69 of 96 (62.2 to 79.9 %) - training persons")
    assert " ".join(listed["dark-csn/frames-svm"]).startswith(
        "16 of 96 (10.5 to 25.4 %) - every second frame"
    )
    other = " ".join(listed["dark-csn/frames-svm@squeezenet1_1"])
    assert other.startswith("16 of 96 (10.5 to 25.4 %), with ResNet-50 - ")
    named = [name.strip(",") for name in needs.split()]
    assert [named.count(name) for name in experiments.EXPERIMENTS] == [1] * len(experiments.EXPERIMENTS)
    assert all(experiment.needs in needs for experiment in experiments.EXPERIMENTS.values())
    assert "https://www.csc.kth.se/cvap/actions/" in needs


def test_records_at_hand_are_listed_as_reproduced(out: Path) -> None:
    hits = experiments.Record.read(out / "toy" / "test-plain").summary()["hits"][0]
    row = next(
        line for line in run("list", "--records", out).stdout.splitlines() if line.startswith("toy/test")
    )
    low, high = experiments.wilson_interval(hits, 3)
    own = f"plain: {hits} of 3 ({100 * low:.1f} to {100 * high:.1f} %)"
    assert " ".join(row.split()[1:]).startswith(f"2 of 3 (20.8 to 93.9 %) {own}")


# harkit run


def test_a_run_prints_both_intervals_beside_the_reported_hits(out: Path, films: Path, features: Path) -> None:
    done = run("run", "toy/test", "--data", films / "toy", "--out", out, "--cache", features, "--seeds", 2)
    assert done.exit_code == 0
    rows = {line[:12].strip(): line.split() for line in done.stdout.splitlines()}
    assert rows["reported"][:7] == ["reported", "2", "3", "66.67%", "20.77%", "..", "93.85%"]
    summary = experiments.Record.read(out / "toy" / "test-plain").summary()
    hits = summary["hits"]
    assert rows["harkit, seed"][3:6] == [str(hits[1]), "3", f"{hits[1] / 3:.2%}"]
    assert rows["mean of 2"][:5] == ["mean", "of", "2", "3", f"{summary['mean']:.2%}"]
    assert "seed 0: 1 fold" in done.stderr and "seed" not in done.stdout.split("\n")[0]
    assert {path.name for path in (out / "toy" / "test-plain").iterdir()} == KEPT


def test_a_part_of_the_data_has_hits_and_no_accuracy(films: Path, features: Path, tmp_path: Path) -> None:
    shutil.copytree(films / "toy", tmp_path / "toy")
    (tmp_path / "toy" / "hop" / "cleo.mkv").unlink()
    for person in toy.PERSONS[:3]:
        (tmp_path / "toy" / "jump" / f"{person}.mkv").unlink(missing_ok=True)
    done = run("run", "toy/test", "--data", tmp_path, "--out", tmp_path / "out", "--cache", features)
    assert done.exit_code == 0
    assert "INCOMPLETE: 4 files of this protocol are not there: " in done.stdout
    assert "ann_jump" in done.stdout and "cleo_hop" in done.stdout
    assert "INCOMPLETE: nothing to learn or nothing to test for jump" in done.stdout
    assert "they say nothing about" in done.stdout and "%" not in done.stdout
    record = experiments.Record.read(tmp_path / "out" / "toy" / "test-plain")
    assert sorted(record.missing) == ["ann_jump", "bob_jump", "cleo_hop", "cleo_jump"]
    assert record.absent_classes == ["jump"] and not record.complete


def test_too_few_data_give_a_record_without_a_figure(films: Path, features: Path, tmp_path: Path) -> None:
    (tmp_path / "toy" / "hop").mkdir(parents=True)
    shutil.copy(films / "toy" / "hop" / "ann.mkv", tmp_path / "toy" / "hop")
    done = run("run", "toy/test", "--data", tmp_path, "--out", tmp_path / "out", "--cache", features)
    assert done.exit_code == 0 and "no figure" in done.stdout
    assert [path.name for path in (tmp_path / "out" / "toy" / "test-plain").iterdir()] == ["record.json"]
    assert "too few data" in run("list", "--records", tmp_path / "out").stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("no/such", "--data", "."), "there is no experiment 'no/such'; there are kth-stip-bow/test, "),
        (("toy/test",), "say where the data lie, with --data or HARKIT_DATA: drawn films in DIR/toy"),
        (
            ("toy/test", "--data", ".", "--mode", "best"),
            "`mode` of toy/test must be one of 'plain', got 'best'",
        ),
        (("toy/test", "--data", ".", "--seeds", "0"), "`seeds` must be at least 1, got 0"),
        (("weizmann/lopo", "--data", "nowhere"), "weizmann/lopo needs Weizmann's clips from https://"),
    ],
)
def test_a_run_that_cannot_be_is_one_line(
    arguments: tuple[str, ...], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("run", *arguments)
    assert done.exit_code == 2 and done.stdout == ""
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


# harkit report


def test_a_report_is_one_page_and_one_table(out: Path) -> None:
    done = run("report", out)
    assert done.stdout == f"1 record: {out / 'report.html'}, {out / 'results.md'}\n"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and "toy/test" in page and "2 of 3" in page
    assert "| `toy/test` | plain | " in (out / "results.md").read_text(encoding="utf-8")


def test_a_report_goes_where_it_is_asked_to(out: Path, tmp_path: Path) -> None:
    done = run("report", out, "--html", tmp_path / "a" / "b.html", "--markdown", tmp_path / "c.md")
    assert done.exit_code == 0
    assert (tmp_path / "a" / "b.html").is_file() and (tmp_path / "c.md").is_file()
    assert not (out / "report.html").exists()


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    assert "there is no such folder" in run("report", tmp_path / "none").stderr
    assert "holds no record" in run("report", tmp_path).stderr


def test_a_record_that_is_none_is_named(out: Path) -> None:
    (out / "other").mkdir()
    (out / "other" / "record.json").write_text(json.dumps({"format": 99}))
    done = run("report", out)
    assert done.exit_code == 2 and f"{out / 'other' / 'record.json'}: is no record" in done.stderr


# harkit predict


def test_videos_get_their_classes_best_first(out: Path, films: Path) -> None:
    record = experiments.Record.read(out / "toy" / "test-plain")
    answers = {p.name: p for p in record.runs[0].predictions}
    videos = [films / "toy" / name / "dan.mkv" for name in toy.CLASSES]
    done = run("predict", out / "toy" / "test-plain", *videos, "--top", 2)
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["video", "class", "or", "2"]
    for video, row in zip(videos, rows, strict=True):
        answer = answers[f"dan_{video.parent.name}"]
        path, name, score, second, _ = row.split()
        assert (path, name) == (str(video), toy.CLASSES[answer.predicted])
        assert float(score) == pytest.approx(max(answer.scores), abs=0.005) and second != name


def test_a_model_or_video_that_is_not_there_is_one_line(out: Path, films: Path, tmp_path: Path) -> None:
    video = films / "toy" / "hop" / "dan.mkv"
    assert f"{tmp_path / 'none'}: there is no such folder" in run("predict", tmp_path / "none", video).stderr
    done = run("predict", out / "toy" / "test-plain", tmp_path / "none.mkv")
    assert done.exit_code == 2 and "none.mkv" in done.stderr and done.stdout == ""


# harkit demo


def test_a_class_without_a_video_has_no_picture(films: Path, tmp_path: Path) -> None:
    everything = toy.everything(films / "toy")
    some = everything.select([i for i, label in enumerate(everything.labels) if label == 1])
    made = sys.modules["harkit.cli.demo"]._pictures((experiments.Fold(some, everything),), tmp_path)
    assert list(made) == ["points-hop.png", "space-time-hop.png"]
