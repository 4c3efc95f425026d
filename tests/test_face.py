"""What a user types works as written: names, arguments, and what comes back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import harkit
from conftest import numbered_frames
from harkit import ClipRecipe, ClipStream, datasets, encoders, load_clips, sampling, stip
from harkit import enhancement as en
from harkit import transforms as tf
from harkit.encoders import BagOfWords
from harkit.stip import StipExtractor


@pytest.fixture
def walk(encode: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    path = encode(numbered_frames(60), "walk.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    monkeypatch.chdir(path.parent)
    return path


@pytest.mark.usefixtures("walk")
def test_look_at_a_video() -> None:
    info = harkit.probe("walk.mp4")
    assert (info.width, info.height, info.n_frames, info.fps) == (96, 64, 60, 25.0)
    assert (info.duration, info.codec, info.pixel_format, info.rotation) == (2.4, "h264", "yuv420p", 0)
    assert info.color_range in ("limited", "full", "unspecified")
    video = harkit.VideoReader("walk.mp4")
    assert len(video) == 60
    assert video[0].shape == video[-1].shape == (64, 96, 3)
    assert video[10:30:5].shape == (4, 64, 96, 3)
    assert video[[3, 1, 3]].dtype == np.uint8
    assert video.timestamps.dtype == np.float64
    assert video.at(1.5).shape == (64, 96, 3)
    assert video.at([0.0, 1.5]).shape == (2, 64, 96, 3)
    with harkit.VideoReader(Path("walk.mp4").read_bytes()) as video:
        assert sum(1 for _ in video) == 60
    with Path("walk.mp4").open("rb") as file, harkit.VideoReader(file) as video:
        assert len(video) == 60
    clip = harkit.read_clip("walk.mp4", sampling=harkit.sampling.Uniform(8), size=(224, 224))
    assert clip.shape == (8, 224, 224, 3)
    gray = harkit.read_clip("walk.mp4", gray=True)
    assert gray.shape == (60, 64, 96)
    harkit.write_clip("out.mp4", clip, fps=25)
    assert harkit.probe("out.mp4").n_frames == 8
    assert "60" in repr(harkit.VideoReader("walk.mp4"))


def test_choose_frames() -> None:
    for sampler in (
        sampling.Interval(2), sampling.Random(5, seed=0), sampling.Linspace(32), sampling.Uniform(8),
        sampling.Segments(40, mode="test"), sampling.Dense(16, stride=4, clips=10), sampling.Blocks(8),
    ):  # fmt: skip
        assert sampler.indices(120).dtype == np.int64
    assert sampling.Uniform(8).indices(120).tolist() == [7, 22, 37, 52, 67, 82, 97, 112]
    assert sampling.Dense(16, stride=4, clips=10).indices(120).shape == (10, 16)
    for short in ("error", "repeat_last", "loop", "fewer"):
        sampling.Uniform(32, short=short)
    timestamps = np.arange(90) / 30
    assert sampling.Dense(16, stride=2, fps=15).indices(timestamps).tolist() == list(range(14, 14 + 64, 4))


def test_see_in_the_dark() -> None:
    clip = numbered_frames(4)
    bright = en.gamma(clip, 3)
    for result in (
        bright, en.equalize(clip, convention="keras_cv"),
        en.equalize(clip, convention="opencv", channels="luma"),
        en.clahe(clip, clip_limit=2.0, grid=(8, 8)), en.log(clip), en.auto_gamma(clip), en.retinex(clip),
        en.lime(clip), en.denoise(clip), en.chain(clip, [en.Gamma(3), en.Denoise()]),
    ):  # fmt: skip
        assert result.shape == clip.shape
        assert result.dtype == np.uint8
    np.testing.assert_array_equal(bright, en.chain(clip, [en.Gamma(3)]))


@pytest.mark.usefixtures("walk")
def test_load_many() -> None:
    paths = ["walk.mp4", "walk.mp4", "gone.mp4"]
    recipe = ClipRecipe(
        sampling=sampling.Segments(40, mode="test"),
        enhancement=[en.Gamma(5)],
        transforms=[
            tf.ResizeShort(64),
            tf.CenterCrop(56),
            tf.Normalize(mean=(0.07,) * 3, std=(0.1, 0.09, 0.08), scale=255),
        ],
        layout="CTHW",
        dtype="float32",
    )
    batch = load_clips(paths, recipe, progress=True)
    assert batch.clips.shape == (2, 3, 40, 56, 56)
    assert batch.clips.dtype == np.float32
    assert batch.video_index.tolist() == [0, 1]
    assert batch.frame_indices.shape == (2, 40)
    [(path, frame, reason)] = batch.failures
    assert (path, frame) == ("gone.mp4", None)
    assert reason
    for batch in ClipStream(paths[:2], recipe, batch_size=12, shuffle=True, seed=0):
        assert len(batch) == 2


def test_interest_points() -> None:
    gray = numbered_frames(20)[..., 0]
    points = stip.detect(gray, mode="corrected", sigma2=(4, 8), tau2=(2, 4))
    assert points.dtype.names == ("t", "y", "x", "sigma2", "tau2", "response")
    assert len(points) > 0
    assert stip.describe(gray, points, descriptor="jet34").shape == (len(points), 34)
    faithful = stip.detect(gray, mode="faithful")
    assert stip.describe(gray, faithful, descriptor="jet6", mode="faithful").dtype == np.float32


def test_data_sets(tmp_path: Path) -> None:
    toy = datasets.synthetic(tmp_path / "toy", videos_per_class=2, dark=True, seed=0)
    assert len(toy.classes) == 6
    assert len(toy.train.paths) == len(toy.train.labels) == len(toy.train.groups)
    assert len(toy.train) + len(toy.test) == 12
    batch = load_clips(toy.train, ClipRecipe(sampling=sampling.Uniform(4)))
    np.testing.assert_array_equal(batch.labels, toy.train.labels)


def test_encode() -> None:
    sets = [np.random.default_rng(i).random((60, 20), np.float32) for i in range(4)]
    words = encoders.BagOfWords(10, max_descriptors=100, random_state=0).fit_transform(sets)
    assert (words.shape, words.dtype) == ((4, 10), np.float32)
    codes = encoders.FisherVector(5, pca=8).fit_transform(sets)
    assert codes.shape == (4, 2 * 5 * 8)


def test_classical_recognition_with_scikit_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    toy = datasets.synthetic("toy", videos_per_class=2, dark=False, size=(64, 80), seed=0)
    extractor = StipExtractor(mode="faithful", cache="cache")
    pipe = make_pipeline(extractor, BagOfWords(400), StandardScaler(), LinearSVC())
    pipe.fit(toy.train.paths, toy.train.labels)
    assert pipe.predict(toy.test.paths).shape == (len(toy.test),)
    assert Path("cache").is_dir()


@pytest.mark.usefixtures("walk")
def test_backbones() -> None:
    model = harkit.create_model("mc3_18", device="cpu", seed=0)
    model.preprocessing = [tf.ResizeShort(28), tf.CenterCrop(24), tf.Normalize(0.45, 0.225, scale=255)]
    clip = numbered_frames(4)
    assert len(model.predict(clip, top=5)) == 5
    assert model.features(clip, stage="layer3").shape[:2] == (1, 256)
    assert "layer3" in repr(model.summary())
    model.draw("mc3.svg")
    model.set_classifier(6)
    model.freeze(until="layer3")
    model.save("dark.safetensors")
    assert Path("dark.json").is_file()
    assert "initialised with seed 0" in repr(harkit.create_model("resnet50", seed=0))
    assert {info.name for info in harkit.list_models()} >= {r.architecture for r in harkit.list_weights()}
    recipe = ClipRecipe(sampling=sampling.Uniform(2), transforms=[tf.Resize(32), model.preprocessing[-1]])
    extractor = harkit.models.BackboneExtractor("resnet50", recipe=recipe, cache="cache")
    assert extractor.transform(["walk.mp4"]).shape == (1, 2048)


def test_real_data_sets(data: Path) -> None:
    dark = datasets.ee6222(data / "dark")
    assert (len(dark.train.paths), len(dark.train.labels), len(dark.classes)) == (150, 150, 6)
    assert len(dark.train.groups) == 150
    kth = datasets.kth(data / "kth", split="report")
    assert len(kth.train) > 0
    assert len(kth.test) > 0
    assert len(kth.with_split("official").train) > 0
    datasets.jhmdb(data / "jhmdb", split=1)


def test_importing_prints_and_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        import harkit  # noqa: F401  (the import is what is tested)
    assert caplog.records == []
