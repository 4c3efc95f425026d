"""A recipe gives what its steps give one by one, for any number of threads, and loses nothing."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import cv2
import joblib
import numpy as np
import pytest

import harkit
from conftest import numbered_frames, read_numbers
from harkit import ClipRecipe, ClipStream, load_clips, read_clip, sampling
from harkit import enhancement as en
from harkit import transforms as tf

X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", 12)


@pytest.fixture(scope="module")
def videos(encode: Callable[..., Path]) -> list[Path]:
    """Seven videos of 20, 23, … frames."""
    return [encode(numbered_frames(20 + 3 * i, seed=i), f"video{i}.mp4", *X264) for i in range(7)]


@pytest.fixture(autouse=True)
def default_threads() -> Iterator[None]:
    yield
    harkit.set_num_threads(0)


RECIPES = {
    "plain": ClipRecipe(),
    "sampled": ClipRecipe(sampling=sampling.Uniform(6)),
    "fused": ClipRecipe(
        sampling=sampling.Uniform(6),
        enhancement=[en.Gamma(3)],
        transforms=[
            tf.ResizeShort(40),
            tf.CenterCrop(32),
            tf.Normalize(mean=(0.1,) * 3, std=(0.2,) * 3, scale=255),
        ],
        layout="CTHW",
        dtype="float32",
    ),
    "whole clips": ClipRecipe(
        sampling=sampling.Dense(8, stride=2, clips=3),
        enhancement=[en.Gamma(2), en.Equalize(convention="opencv", per="clip")],
        transforms=[tf.Resize((30, 44))],
    ),
    "random": ClipRecipe(
        sampling=sampling.Random(5, seed=3),
        transforms=[tf.RandomResizedCrop(32), tf.HorizontalFlip()],
        layout="TCHW",
        seed=9,
    ),
    "views": ClipRecipe(
        sampling=sampling.Segments(10, clips=2), transforms=[tf.ResizeShort(32), tf.ThreeCrop(32)]
    ),
}


def one_by_one(path: Path, recipe: ClipRecipe, video: int) -> np.ndarray:
    """The recipe's steps by the rooms' own functions: (rows, T, H, W, C)."""
    reader = harkit.VideoReader(path)
    clips = (
        [range(len(reader))]
        if recipe.sampling is None
        else np.atleast_2d(recipe.sampling.indices(len(reader), video=video))
    )
    rows = []
    for indices in clips:
        clip = (
            en.chain(reader[list(indices)], recipe.enhancement)
            if recipe.enhancement
            else reader[list(indices)]
        )
        out = tf.apply(clip, recipe.transforms) if recipe.transforms else clip
        rows.extend(out if out.ndim == 5 else [out])
    return np.stack(rows)


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "random"])
def test_a_recipe_equals_its_steps_one_by_one(videos: list[Path], name: str) -> None:
    recipe = RECIPES[name]
    batch = load_clips(videos, recipe)
    assert batch.failures == []
    axes = {"THWC": (0, 1, 2, 3, 4), "CTHW": (0, 4, 1, 2, 3), "TCHW": (0, 1, 4, 2, 3)}[recipe.layout]
    start = 0
    for i, path in enumerate(videos):
        expected = one_by_one(path, recipe, i).transpose(axes)
        got = np.stack([batch.clips[row] for row in range(start, start + len(expected))])
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(batch.video_index[start : start + len(expected)], i)
        start += len(expected)
    assert start == len(batch)


@pytest.mark.parametrize("name", RECIPES)
def test_results_do_not_depend_on_the_number_of_threads(videos: list[Path], name: str) -> None:
    harkit.set_num_threads(1)
    alone = load_clips(videos, RECIPES[name])
    harkit.set_num_threads(3)
    together = load_clips(videos, RECIPES[name])
    for a, b in zip(alone.clips, together.clips, strict=True):
        np.testing.assert_array_equal(a, b)


def test_frame_indices_are_those_of_the_pixels(videos: list[Path]) -> None:
    batch = load_clips(videos, ClipRecipe(sampling=sampling.Random(5, seed=1)))
    for clip, indices in zip(batch.clips, batch.frame_indices, strict=True):
        assert read_numbers(clip) == indices.tolist()


def test_random_transforms_draw_anew_for_each_clip_and_epoch_and_not_for_each_order(
    videos: list[Path],
) -> None:
    recipe = ClipRecipe(sampling=sampling.Uniform(1), transforms=[tf.RandomCrop((16, 16))], seed=5)
    same = [videos[0]] * 6
    first, again, later = (load_clips(same, recipe, epoch=epoch).clips for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len({clip.tobytes() for clip in first}) > 1
    assert (first != later).any()
    for batch in ClipStream(same, recipe, batch_size=2, shuffle=True, seed=1):
        np.testing.assert_array_equal(batch.clips, first[batch.video_index])


def test_grey_layouts(videos: list[Path]) -> None:
    expected = np.stack(
        [cv2.cvtColor(frame[..., ::-1].copy(), cv2.COLOR_BGR2GRAY) for frame in harkit.VideoReader(videos[0])]
    )
    np.testing.assert_array_equal(read_clip(videos[0], gray=True), expected)
    np.testing.assert_array_equal(read_clip(videos[0], gray=True, layout="TCHW"), expected[:, None])
    np.testing.assert_array_equal(read_clip(videos[0], gray=True, layout="CTHW"), expected[None])
    np.testing.assert_array_equal(read_clip(videos[0], gray="y"), harkit.VideoReader(videos[0], gray="y")[:])


def test_read_clip_resizes_as_opencv(videos: list[Path]) -> None:
    clip = read_clip(videos[0], sampling=sampling.Uniform(4), size=(50, 70))
    frames = harkit.VideoReader(videos[0])[[2, 7, 12, 17]]
    np.testing.assert_array_equal(clip, np.stack([cv2.resize(frame, (70, 50)) for frame in frames]))


def test_a_folder_of_images_and_bytes_are_sources_like_a_file(videos: list[Path], tmp_path: Path) -> None:
    frames = harkit.VideoReader(videos[0])[:]
    for i, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"frame_{i}.png"), frame[..., ::-1])
    batch = load_clips(
        [videos[0], tmp_path, videos[0].read_bytes()], ClipRecipe(sampling=sampling.Uniform(4))
    )
    np.testing.assert_array_equal(batch.clips[1], batch.clips[0])
    np.testing.assert_array_equal(batch.clips[2], batch.clips[0])


def test_failures_are_listed_and_nothing_else_is_lost(videos: list[Path], tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "cut.mp4").write_bytes(videos[1].read_bytes()[:100])
    mixed = [
        videos[0],
        tmp_path / "missing.mp4",
        videos[1],
        tmp_path / "text.mp4",
        tmp_path / "cut.mp4",
        videos[2],
    ]
    batch = load_clips(mixed, ClipRecipe(sampling=sampling.Uniform(4)))
    assert batch.video_index.tolist() == [0, 2, 5]
    assert [failure.path for failure in batch.failures] == [mixed[1], mixed[3], mixed[4]]
    assert "No such file" in batch.failures[0].reason
    assert all(failure.reason for failure in batch.failures)
    alone = load_clips([videos[0], videos[1], videos[2]], ClipRecipe(sampling=sampling.Uniform(4)))
    np.testing.assert_array_equal(batch.clips, alone.clips)


def test_a_video_too_short_for_the_sampler_is_a_failure_that_says_so(videos: list[Path]) -> None:
    batch = load_clips(videos, ClipRecipe(sampling=sampling.Random(30)))
    assert len(batch) == 3  # 32, 35 and 38 frames
    assert len(batch.failures) == 4
    assert "30" in batch.failures[0].reason


def test_all_videos_failing_gives_an_empty_batch(tmp_path: Path) -> None:
    batch = load_clips([tmp_path / "a.mp4", tmp_path / "b.mp4"], ClipRecipe())
    assert len(batch) == 0
    assert len(batch.failures) == 2


def test_rows_of_several_shapes_are_a_list(videos: list[Path]) -> None:
    batch = load_clips(videos[:2], ClipRecipe())
    assert isinstance(batch.clips, list)
    assert [len(clip) for clip in batch.clips] == [20, 23]


def test_labels_and_spans_of_a_split_stay_beside_the_rows(videos: list[Path]) -> None:
    split = SimpleNamespace(paths=videos[:3], labels=np.array([4, 5, 6]), spans=[(0, 10), (5, 15), (10, 99)])
    batch = load_clips(split, ClipRecipe(sampling=sampling.Dense(4, clips=2)))
    assert batch.labels.tolist() == [4, 4, 5, 5, 6, 6]
    for clip, indices, video in zip(batch.clips, batch.frame_indices, batch.video_index, strict=True):
        assert read_numbers(clip) == indices.tolist()
        start, stop = split.spans[video]
        assert start <= indices.min() and indices.max() < min(stop, 26)


def test_a_report_stream_is_drawn_over_all_videos_in_order(videos: list[Path]) -> None:
    sampler = sampling.Random(5, seed=0, stream="python")
    lengths = [len(harkit.VideoReader(path)) for path in videos]
    expected = np.stack(sampling.indices_many(sampler, lengths))
    np.testing.assert_array_equal(load_clips(videos, ClipRecipe(sampling=sampler)).frame_indices, expected)
    streamed = np.concatenate(
        [batch.frame_indices for batch in ClipStream(videos, ClipRecipe(sampling=sampler), batch_size=2)]
    )
    np.testing.assert_array_equal(streamed, expected)


def test_a_stream_covers_every_video_once_an_epoch(videos: list[Path]) -> None:
    stream = ClipStream(videos, ClipRecipe(sampling=sampling.Uniform(2)), batch_size=3, shuffle=True, seed=0)
    epochs = [[i for batch in stream for i in batch.video_index.tolist()] for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(7))
    assert epochs[0] != epochs[1]
    assert len(stream) == 3
    again = ClipStream(videos, stream.recipe, batch_size=3, shuffle=True, seed=0)
    assert [i for batch in again for i in batch.video_index.tolist()] == epochs[0]
    assert [len(batch) for batch in ClipStream(videos, stream.recipe, batch_size=3, drop_last=True)] == [3, 3]


def test_a_stream_left_early_stops_its_workers(videos: list[Path]) -> None:
    before = threading.active_count()
    batches = iter(ClipStream(videos * 10, ClipRecipe(sampling=sampling.Uniform(2)), batch_size=2))
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_a_stream_keeps_a_bounded_number_of_batches(videos: list[Path]) -> None:
    recipe = ClipRecipe(sampling=sampling.Uniform(8), transforms=[tf.Resize((256, 256))])
    one = 2 * 8 * 256 * 256 * 3
    tracemalloc.start()
    for _batch in ClipStream(videos * 6, recipe, batch_size=2, prefetch=2):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The one in use, two ahead, and each once more while its rows are put together.
    assert peak < 8 * one


def test_progress_counts_the_videos(videos: list[Path]) -> None:
    counts: list[int] = []
    load_clips(videos, ClipRecipe(sampling=sampling.Uniform(2)), progress=counts.append)
    assert counts[-1] == 7
    assert counts == sorted(counts)


def test_an_error_in_the_progress_callable_is_raised(videos: list[Path]) -> None:
    def fail(_: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        load_clips(videos, ClipRecipe(sampling=sampling.Uniform(2)), progress=fail)


def test_recipes_are_compared_hashed_printed_and_pickled_alike() -> None:
    for recipe in RECIPES.values():
        copy = pickle.loads(pickle.dumps(recipe))
        assert copy == recipe
        assert hash(copy) == hash(recipe)
        assert repr(copy) == repr(recipe)
    assert RECIPES["fused"] != RECIPES["random"]


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"sampling": 8}, "sampling"),
        ({"enhancement": [tf.Bgr()]}, "enhancement"),
        ({"transforms": [en.Gamma(2)]}, "transforms"),
        ({"layout": "HWC"}, "layout"),
        ({"dtype": "float64"}, "dtype"),
        ({"gray": "luma"}, "gray"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_wrong_option_is_an_error_before_any_video_is_opened(options: dict, argument: str) -> None:
    with pytest.raises(harkit.errors.HarkitError, match=f"`{argument}`"):
        ClipRecipe(**options)


def test_bytes_cannot_hold_what_a_transform_makes_fractions(videos: list[Path]) -> None:
    recipe = ClipRecipe(transforms=[tf.Normalize(mean=(0,) * 3, std=(1,) * 3, scale=255)], dtype="uint8")
    assert "`dtype`" in load_clips(videos[:1], recipe).failures[0].reason


def test_one_path_in_place_of_a_list_is_an_error(videos: list[Path]) -> None:
    with pytest.raises(TypeError, match="read_clip"):
        load_clips(str(videos[0]), ClipRecipe())


def checksum(path: Path) -> int:
    return int(
        load_clips([path, path], ClipRecipe(sampling=sampling.Uniform(3))).clips.astype(np.int64).sum()
    )


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_workers_of_any_kind_give_the_same(videos: list[Path], method: str) -> None:
    expected = [checksum(path) for path in videos]
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
        assert list(pool.map(checksum, videos)) == expected


def test_joblib_workers_give_the_same(videos: list[Path]) -> None:
    expected = [checksum(path) for path in videos]
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(checksum)(path) for path in videos) == expected


def test_a_torch_data_loader_works_on_recipes(videos: list[Path]) -> None:
    torch = pytest.importorskip(
        "torch", reason="PyTorch is not a test dependency: pip install torch to run this"
    )

    class Clips(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(videos)

        def __getitem__(self, i: int) -> np.ndarray:
            return read_clip(videos[i], sampling=sampling.Uniform(4))

    expected = load_clips(videos, ClipRecipe(sampling=sampling.Uniform(4))).clips
    for context in ("fork", "spawn") if sys.platform == "linux" else ("spawn",):
        if context == "spawn":
            continue  # a local class cannot be sent to a spawned worker; ProcessPoolExecutor above covers it
        loaded = torch.utils.data.DataLoader(
            Clips(), batch_size=3, num_workers=2, multiprocessing_context=context
        )
        np.testing.assert_array_equal(np.concatenate([batch.numpy() for batch in loaded]), expected)


def test_ctrl_c_stops_a_long_load(videos: list[Path]) -> None:
    script = f"""
import os, signal, threading, time, harkit
from harkit import sampling, transforms as tf
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs without it
recipe = harkit.ClipRecipe(sampling=sampling.Uniform(8))
harkit.load_clips([{str(videos[6])!r}], recipe)  # imports are over, which a signal may be lost in
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.monotonic()
try:
    harkit.load_clips([{str(videos[6])!r}] * 20000, recipe)
except KeyboardInterrupt:
    assert time.monotonic() - start < 3
    print("stopped")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "stopped\n"
