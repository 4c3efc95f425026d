"""What all steps have in common: shapes, statistics per frame or clip, options, bad input, threads."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np
import pytest

import harkit
from harkit import enhancement as en

STEPS = [
    en.Gamma(3),
    en.AutoGamma(),
    en.Log(),
    en.Equalize(),
    en.Equalize(convention="opencv", channels="luma", per="clip"),
    en.Clahe(),
    en.Clahe(per="clip", grid=(3, 2)),
    en.Retinex(scales=(4.0, 9.0)),
    en.Lime(),
    en.Denoise(sigma=5),
    en.Denoise(),
]


def name(step: en.Enhancement) -> str:
    return type(step).__name__ + ("-clip" if getattr(step, "per", None) == "clip" else "")


@pytest.fixture(autouse=True)
def default_threads() -> Iterator[None]:
    yield
    harkit.set_num_threads(0)


def static_dark_scene(n_frames: int = 12) -> np.ndarray:
    """One dark scene, filmed by a noisy sensor."""
    rng = np.random.default_rng(8)
    scene = 8 + 6 * np.sin(np.arange(64) / 9)[:, None] + 4 * np.cos(np.arange(80) / 7)
    return np.clip(np.stack([scene + rng.normal(0, 4, scene.shape) for _ in range(n_frames)]), 0, 255).astype(
        np.uint8
    )


def flicker(clip: np.ndarray) -> float:
    """Mean change of mean brightness from frame to frame, in grey levels."""
    return float(np.abs(np.diff(clip.reshape(len(clip), -1).mean(axis=1))).mean())


@pytest.mark.parametrize(
    "make",
    [
        lambda per: en.AutoGamma(per=per),
        lambda per: en.Log(per=per),
        lambda per: en.Equalize(convention="opencv", per=per),
        lambda per: en.Retinex(scales=(5.0, 15.0), saturated=0, per=per),
    ],
    ids=["auto_gamma", "log", "equalize", "retinex"],
)
def test_statistics_of_the_clip_keep_it_from_flickering(make) -> None:
    clip = static_dark_scene()
    alone, together = (flicker(en.chain(clip, [make(per)])) for per in ("frame", "clip"))
    if isinstance(make("clip"), en.AutoGamma | en.Equalize):
        # These pin each frame's own mean: what they trade for it is the constancy of each grey level.
        fixed = [
            np.std([en.chain(clip, [make(per)])[t][clip[t] == 8].mean() for t in range(len(clip))])
            for per in ("frame", "clip")
        ]
        assert fixed[1] == 0.0 < fixed[0], (
            f"level 8 varies by {fixed[0]:.2f} per frame, {fixed[1]:.2f} per clip"
        )
    else:
        assert together < 0.6 * alone, f"{alone:.2f} grey levels per frame, {together:.2f} per clip"


@pytest.mark.parametrize("step", STEPS, ids=name)
def test_shapes_go_through_and_the_input_stays(step: en.Enhancement) -> None:
    rng = np.random.default_rng(0)
    for shape in [(3, 20, 31, 3), (3, 20, 31), (20, 31, 3), (20, 31), (1, 9, 11, 3)]:
        clip = rng.integers(0, 90, shape, dtype=np.uint8)
        before = clip.copy()
        clip.setflags(write=False)
        out = en.chain(clip, [step])
        assert out.shape == shape
        assert out.dtype == np.uint8
        np.testing.assert_array_equal(clip, before)
        turned = np.asfortranarray(clip)
        np.testing.assert_array_equal(en.chain(turned, [step]), out)


@pytest.mark.parametrize("step", STEPS, ids=name)
def test_threads_do_not_change_the_result(step: en.Enhancement) -> None:
    clip = static_dark_scene(5)
    results = []
    for threads in (1, 3):
        harkit.set_num_threads(threads)
        results.append(en.chain(clip, [step]))
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    "step", [step for step in STEPS if getattr(step, "per", "frame") == "frame"], ids=name
)
def test_a_step_per_frame_treats_each_frame_alone(step: en.Enhancement) -> None:
    clip = static_dark_scene(4)
    alone = np.stack([en.chain(frame, [step]) for frame in clip])
    np.testing.assert_array_equal(en.chain(clip, [step]), alone)


def test_a_chain_is_one_step_after_another() -> None:
    clip = static_dark_scene(4)
    steps = [en.Gamma(3), en.Denoise(sigma=9), en.Clahe(), en.Log(per="clip")]
    expected = clip
    for step in steps:
        expected = en.chain(expected, [step])
    np.testing.assert_array_equal(en.chain(clip, steps), expected)
    np.testing.assert_array_equal(en.chain(clip, []), clip)


@pytest.mark.parametrize("step", STEPS, ids=name)
def test_options_are_pickled_hashed_and_compared(step: en.Enhancement) -> None:
    copy = pickle.loads(pickle.dumps(step))
    assert copy == step
    assert hash(copy) == hash(step)
    assert repr(copy) == repr(step)


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: en.Gamma(float("nan")), "gamma"),
        (lambda: en.Gamma(-1), "gamma"),
        (lambda: en.Gamma(0), "gamma"),
        (lambda: en.Gamma(float("inf")), "gamma"),
        (lambda: en.AutoGamma(target=1.5), "target"),
        (lambda: en.Equalize(convention="cv"), "convention"),
        (lambda: en.Equalize(channels="all"), "channels"),
        (lambda: en.Equalize(per="video"), "per"),
        (lambda: en.Clahe(clip_limit=-1), "clip_limit"),
        (lambda: en.Clahe(grid=(0, 8)), "grid"),
        (lambda: en.Retinex(scales=()), "scales"),
        (lambda: en.Retinex(saturated=60), "saturated"),
        (lambda: en.Lime(alpha=-0.1), "alpha"),
        (lambda: en.Lime(gamma=float("nan")), "gamma"),
        (lambda: en.Denoise(sigma=-1), "sigma"),
        (lambda: en.Denoise(radius=-1), "radius"),
        (lambda: en.Denoise(strength=float("nan")), "strength"),
    ],
)
def test_a_wrong_option_is_an_error_that_names_it(make, argument: str) -> None:
    with pytest.raises(harkit.errors.ArgumentError, match=f"`{argument}`"):
        make()


@pytest.mark.parametrize(
    "clip",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4), np.int8),
        np.zeros((2, 3, 4, 4), np.uint8),
        np.zeros((0, 4, 4, 3), np.uint8),
        np.zeros((2, 0, 4, 3), np.uint8),
        np.zeros(7, np.uint8),
        "clip",
    ],
    ids=["float", "int8", "four channels", "no frames", "no rows", "1-D", "text"],
)
def test_what_is_not_a_clip_of_bytes_is_refused(clip: object) -> None:
    with pytest.raises((harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError), match="`clip`"):
        en.gamma(clip, 3)
