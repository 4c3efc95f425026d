"""The commands: what they print, write and end with."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner, Result

import harkit
from conftest import numbered_frames, read_numbers
from harkit import enhancement as en
from harkit import experiments
from harkit.cli import main

CLIP = numbered_frames(40, height=48, width=64)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def module(name: str) -> ModuleType:
    """Give the module of a command, which the command itself hides as an attribute."""
    return sys.modules[f"harkit.cli.{name}"]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    harkit.write_clip(tmp_path / "in.mkv", CLIP, fps=20, codec="ffv1")
    return tmp_path / "in.mkv"


# What all commands have in common.


def test_without_a_command_the_commands_are_listed() -> None:
    done = run()
    assert {"demo", "doctor", "enhance", "extract-frames", "inspect"} <= set(main.commands)
    assert all(f"  {name} " in done.output for name in main.commands)


@pytest.mark.parametrize("name", sorted(main.commands))
def test_each_command_says_what_it_does_on_one_screen_width(name: str) -> None:
    done = run(name, "--help")
    assert done.exit_code == 0 and len(done.output.splitlines()) > 5
    assert "..." not in main.commands[name].get_short_help_str(limit=45)


def test_the_version_is_the_packages() -> None:
    assert run("--version").output == f"harkit, version {harkit.__version__}\n"


@pytest.mark.parametrize(
    "command", [("enhance", "no.mp4", "out.mp4", "--log"), ("extract-frames", "no.mp4", "out")]
)
def test_an_error_is_one_line_and_exit_code_2(
    tmp_path: Path, command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*command)
    assert done.exit_code == 2 and done.stdout == ""
    assert re.fullmatch(r"harkit: no\.mp4: No such file or directory.*\n", done.stderr)


def test_with_debug_an_error_shows_where_it_comes_from(tmp_path: Path) -> None:
    done = run("extract-frames", tmp_path / "no.mp4", tmp_path / "out", "--debug")
    assert isinstance(done.exception, harkit.errors.MissingFileError)


def test_ctrl_c_ends_quietly_with_130(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module("inspect"), "inspect_videos", interrupted)
    done = run("inspect", video)
    assert (done.exit_code, done.output) == (130, "")


def test_a_real_ctrl_c_reaches_the_work(tmp_path: Path) -> None:
    harkit.write_clip(tmp_path / "in.mkv", np.zeros((400, 240, 320, 3), np.uint8), codec="ffv1")
    command = ["enhance", str(tmp_path / "in.mkv"), str(tmp_path / "out.mp4"), "--retinex"]
    # Where the tests run in the background, a shell has Ctrl-C ignored.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    running = subprocess.Popen(
        [sys.executable, "-c", f"{code}from harkit.cli import main; main()", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".*.partial")) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    output = running.communicate(timeout=30)
    assert (running.returncode, output) == (130, (b"", b""))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_the_program_is_installed_and_runs(video: Path) -> None:
    program = Path(sys.executable).with_name("harkit")
    done = subprocess.run([program, "inspect", video], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("1 file: 0 broken, 0 odd\n")


# harkit inspect


def test_inspect_prints_a_row_a_file(video: Path) -> None:
    done = run("inspect", video, video)
    head, *rows, summary = done.output.splitlines()
    assert head.split() == [
        "file",
        "frames",
        "header",
        "size",
        "fps",
        "codec",
        "pixels",
        "colours",
        "remarks",
    ]
    for row in rows:
        assert row.split() == [str(video), "40", "-", "64x48", "20", "ffv1", "bgr0", "-"]
    assert (summary, done.exit_code) == ("2 files: 0 broken, 0 odd", 0)


def test_inspect_ends_with_1_if_something_is_broken(video: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    done = run("inspect", video, tmp_path / "text.mp4", tmp_path / "no.mp4")
    assert done.exit_code == 1
    assert done.output.count("\n!") == 2 and "broken: is not a video" in done.output
    assert done.output.splitlines()[-1] == "3 files: 2 broken, 0 odd"


def test_inspect_can_show_the_broken_alone(video: Path, tmp_path: Path) -> None:
    done = run("inspect", video, tmp_path / "no.mp4", "--broken")
    assert str(video) not in done.output and "no.mp4" in done.output
    assert run("inspect", video, "--broken").output == "1 file: 0 broken, 0 odd\n"


def test_inspect_looks_into_folders_and_takes_folders_of_images(video: Path, tmp_path: Path) -> None:
    harkit.write_frames(tmp_path / "deep" / "frames", CLIP[:3])
    harkit.write_clip(tmp_path / "deep" / "b.mp4", CLIP[:5])
    rows = json.loads(run("inspect", tmp_path, "--json").output)
    found = {Path(row["path"]).relative_to(tmp_path).as_posix(): row["info"]["n_frames"] for row in rows}
    assert found == {"in.mkv": 40, "deep/b.mp4": 5, "deep/frames": 3}
    (alone,) = json.loads(run("inspect", tmp_path / "deep" / "frames", "--json").output)
    assert alone["info"]["container"] == "folder"


def test_inspect_says_when_a_folder_holds_no_videos(tmp_path: Path) -> None:
    done = run("inspect", tmp_path)
    assert done.exit_code == 2 and "there are no videos in this folder" in done.stderr


def test_inspects_json_has_all_that_is_known(video: Path) -> None:
    (row,) = json.loads(run("inspect", video, "--json").output)
    assert row["is_broken"] is False and row["faults"] == [] and row["has_times"] is True
    assert row["info"]["codec"] == "ffv1" and row["steps"] == pytest.approx([0.05, 0.05])


# harkit extract-frames


def test_frames_are_named_by_their_numbers(video: Path, tmp_path: Path) -> None:
    done = run("extract-frames", video, tmp_path / "frames", "--every", 7, "--start", 3, "--stop", 30)
    assert (done.exit_code, done.output) == (0, f"4 frames in {tmp_path / 'frames'}\n")
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == ["000003.png", "000010.png", "000017.png", "000024.png"]
    frames = harkit.VideoReader(tmp_path / "frames")[:]
    assert read_numbers(frames) == [3, 10, 17, 24]
    np.testing.assert_array_equal(frames, CLIP[3:30:7])


def test_all_frames_are_the_default_also_over_several_pieces(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module("extract_frames"), "_MEMORY", 7 * 48 * 64 * 3)
    run("extract-frames", video, tmp_path / "frames")
    np.testing.assert_array_equal(harkit.VideoReader(tmp_path / "frames")[:], CLIP)


def test_grey_frames_are_opencvs(video: Path, tmp_path: Path) -> None:
    run("extract-frames", video, tmp_path / "frames", "--gray", "--every", 20)
    gray = harkit.VideoReader(video, gray=True)[::20]
    np.testing.assert_array_equal(harkit.VideoReader(tmp_path / "frames", gray=True)[:], gray)


def test_a_folder_that_holds_something_is_refused_unless_asked_for(video: Path, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    assert run("extract-frames", video, folder, "--every", 20).exit_code == 0  # empty
    (folder / "000000.png").write_bytes(b"old")
    done = run("extract-frames", video, folder)
    assert done.exit_code == 2 and "the folder is not empty" in done.stderr and "--overwrite" in done.stderr
    assert (folder / "000000.png").read_bytes() == b"old"
    assert run("extract-frames", video, folder, "--overwrite").exit_code == 0
    assert len(harkit.VideoReader(folder)) == 40


def test_a_choice_of_no_frames_and_a_file_as_folder_are_errors(video: Path, tmp_path: Path) -> None:
    done = run("extract-frames", video, tmp_path / "frames", "--start", 40)
    assert done.exit_code == 2 and "none of its 40 frames is chosen" in done.stderr
    done = run("extract-frames", video, video)
    assert done.exit_code == 2 and "is a file, not a folder" in done.stderr
    assert run("extract-frames", video, tmp_path / "frames", "--every", 0).exit_code == 2


def test_what_ffmpeg_complains_of_is_one_line(tmp_path: Path) -> None:
    harkit.write_clip(tmp_path / "in.mkv", CLIP, codec="ffv1")
    data = (tmp_path / "in.mkv").read_bytes()
    (tmp_path / "in.mkv").write_bytes(data[: len(data) * 3 // 4])
    done = run("extract-frames", tmp_path / "in.mkv", tmp_path / "frames")
    assert done.exit_code == 0
    assert done.stderr.startswith("harkit: warning: ") and done.stderr.count("\n") == 1


# harkit enhance

STEPS = [
    (["--gamma", 3], [en.Gamma(3)]),
    (["--gamma", 3, "--denoise"], [en.Gamma(3), en.Denoise()]),
    (["--denoise", "--gamma", 3, "--sigma", 4], [en.Denoise(sigma=4), en.Gamma(3)]),
    (["--clahe", 2, "--grid", 4, 6], [en.Clahe(clip_limit=2, grid=(4, 6))]),
    (["--equalize", "opencv", "--channels", "luma"], [en.Equalize(convention="opencv", channels="luma")]),
    (["--equalize", "pil", "--per", "clip"], [en.Equalize(convention="pil", per="clip")]),
    (["--log"], [en.Log()]),
    (["--auto-gamma", "--per", "clip"], [en.AutoGamma(per="clip")]),
    (["--retinex"], [en.Retinex()]),
    (["--lime"], [en.Lime()]),
]


@pytest.mark.parametrize(("options", "steps"), STEPS, ids=lambda value: " ".join(map(str, value)))
def test_steps_are_done_in_their_order_as_on_the_whole_clip(
    video: Path, tmp_path: Path, options, steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module("enhance"), "_PIECE", 9)
    done = run("enhance", video, tmp_path / "out.mkv", "--codec", "ffv1", *options)
    assert (done.exit_code, done.output) == (0, f"40 frames in {tmp_path / 'out.mkv'}\n")
    np.testing.assert_array_equal(harkit.VideoReader(tmp_path / "out.mkv")[:], en.chain(CLIP, steps))
    assert harkit.probe(tmp_path / "out.mkv").fps == pytest.approx(20)


def test_a_long_video_is_never_in_memory_whole(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []
    chain = en.chain

    def watched(clip: np.ndarray, steps: object) -> np.ndarray:
        lengths.append(len(clip))
        return chain(clip, steps)

    monkeypatch.setattr(module("enhance"), "_PIECE", 10)
    monkeypatch.setattr(en, "chain", watched)
    run("enhance", video, tmp_path / "a.mp4", "--gamma", 3)
    assert lengths == [10, 10, 10, 10]
    lengths.clear()
    run("enhance", video, tmp_path / "b.mp4", "--denoise", "--sigma", 5)
    assert lengths == [12, 14, 14, 12]  # two frames before and after
    lengths.clear()
    run("enhance", video, tmp_path / "c.mp4", "--equalize", "pil", "--per", "clip")
    assert lengths == [40]


def test_rate_and_codec_can_be_chosen(video: Path, tmp_path: Path) -> None:
    run("enhance", video, tmp_path / "out.webm", "--gamma", 2, "--fps", 10, "--quality", 40)
    info = harkit.probe(tmp_path / "out.webm")
    assert info.codec == "vp9" and info.fps == pytest.approx(10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Give at least one step"),
        (["--gamma", 3, "--grid", 2, 2], "--grid belongs to none of the steps"),
        (["--gamma", 3, "--per", "clip"], "--per belongs to none of the steps"),
        (["--gamma", "bright"], "'bright' is not a valid float"),
        (["--gamma", -1], "`gamma` must be positive"),
        (["--equalize", "mine"], "'mine' is not one of 'keras_cv', 'pil', 'opencv'"),
    ],
)
def test_wrong_options_are_named(video: Path, tmp_path: Path, options, message: str) -> None:
    done = run("enhance", video, tmp_path / "out.mp4", *options)
    assert done.exit_code == 2 and message in done.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_a_file_is_replaced_only_when_asked_for_and_never_the_source(video: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"old")
    done = run("enhance", video, tmp_path / "out.mp4", "--log")
    assert done.exit_code == 2 and "--overwrite" in done.stderr
    assert (tmp_path / "out.mp4").read_bytes() == b"old"
    assert run("enhance", video, tmp_path / "out.mp4", "--log", "--overwrite").exit_code == 0
    before = video.read_bytes()
    done = run("enhance", video, video, "--log", "--overwrite", "--codec", "ffv1")
    assert done.exit_code == 2 and "is the file that is read" in done.stderr
    assert video.read_bytes() == before


# harkit doctor


def test_doctor_finds_all_well_and_names_no_folders() -> None:
    done = run("doctor")
    assert done.exit_code == 0 and done.output.endswith("all is well\n")
    for text in (harkit.__version__, np.__version__, harkit.ffmpeg_build().version, "h264", "libvpx-vp9"):
        assert text in done.output
    for folder in (Path.home(), Path.cwd(), Path(harkit.__file__).parent):
        assert str(folder) not in done.output or str(folder) == "/"
    assert "--prefix" not in done.output
    assert max(map(len, done.output.splitlines())) <= 100


def test_doctor_names_the_check_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise ValueError("no encoder")

    monkeypatch.setitem(module("doctor")._CHECKS, "VP9 written and read", fail)
    done = run("doctor")
    assert done.exit_code == 1
    assert "  FAILED  VP9 written and read: ValueError: no encoder\n" in done.output
    assert done.output.endswith("1 of 3 checks failed\n")


# harkit demo


def assert_is_whole(done: Result, out: Path, classes: list[str]) -> None:
    assert done.exit_code == 0, done.output
    pictures = {"confusion.png", *(f"points-{name}.png" for name in classes), f"space-time-{classes[0]}.png"}
    assert all((out / name).stat().st_size > 1000 and name in done.stdout for name in pictures)
    assert experiments.Recogniser.load(out / "model").classes
    assert str(out) in done.stdout and "interest points" in done.stdout


@pytest.mark.timeout(600)
def test_the_demo_draws_clips_where_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments.local_features, "_DRAWN_PER_CLASS", 4)
    out = tmp_path / "demo"
    with monkeypatch.context() as poor:
        poor.setenv("HARKIT_DATA", str(tmp_path))
        poor.setitem(sys.modules, "matplotlib", None)
        poor.setitem(sys.modules, "matplotlib.pyplot", None)
        done = run("demo", "--out", out)
    assert done.exit_code == 0 and "synthetic, quick" in done.stdout and ".png" not in done.stdout
    assert "no pictures: figures need matplotlib" in done.stderr
    monkeypatch.delenv("HARKIT_DATA", raising=False)
    done = run("demo", "--out", out)  # with the clips and the features of the first run
    assert_is_whole(done, out, ["jump", "run", "sit", "stand", "turn", "walk"])
    record = experiments.Record.read(out)
    assert (record.experiment, record.summary()["n"], record.complete) == ("synthetic", 6, True)


@pytest.mark.timeout(900)
def test_the_demo_takes_the_real_clips_that_there_are(data: Path, tmp_path: Path) -> None:
    done = run("demo", "--out", tmp_path / "demo")
    assert_is_whole(done, tmp_path / "demo", ["bend", "jack", "walk", "wave2"])
    record = experiments.Record.read(tmp_path / "demo")
    assert (record.experiment, record.summary()["n"]) == ("weizmann/lopo", 90)
    # Local features and a bag of words reach 90 % and more in the literature; this is the quick recipe.
    assert record.summary()["hits"][0] >= 72
    assert not (tmp_path / "demo" / "synthetic").exists()
