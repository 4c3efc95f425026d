"""One clip from a seed: who, how, where, and the film of it.

Everything that does not tell the action is drawn before the action is looked at, from a stream that seed,
action, performer and take name. Memory: the clip's frames in float32 (about 13 MB).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harkit.datasets._tables import check_choice
from harkit.datasets.synthetic._figure import Performer, draw_performer, pose
from harkit.datasets.synthetic._motion import ACTIONS, Manner, move
from harkit.datasets.synthetic._scene import draw_scene, expose, film
from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["check_count", "check_rate", "check_size", "synthetic_clip"]

SECONDS = (1.5, 3.0)
# Way towards or from the camera, in body heights, and share of the picture's width that a figure crosses.
DEEP, WIDE = 1.6, 0.6


def synthetic_clip(
    action: str,
    *,
    take: int = 0,
    performer: int = 0,
    seed: int = 0,
    dark: bool = True,
    size: tuple[int, int] = (120, 160),
    fps: float = 25.0,
) -> NDArray[np.uint8]:
    """Render one clip of `synthetic` in memory.

    Parameters
    ----------
    action : str
        One of ``"Jump"``, ``"Run"``, ``"Sit"`` (a standing figure sits down), ``"Stand"`` (a sitting
        figure stands up), ``"Turn"`` (on the spot), ``"Walk"``.
    take : int
        Another take is another place, length, tempo, view and phase.
    performer : int
        Another performer has another body and other clothes.
    seed : int
        Everything follows from seed, action, take and performer.
    dark : bool
        Expose at about a hundredth; the scene and its motion stay the same.
    size : (int, int)
        Height and width in pixels, at least 32 each.
    fps : float
        Frames a second.

    Returns
    -------
    ndarray of uint8, shape (T, H, W, 3)
        RGB; 1.5 to 3 seconds.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument out of its range.

    Examples
    --------
    >>> from harkit.datasets import synthetic_clip
    >>> clip = synthetic_clip("Walk", seed=1)
    >>> clip.shape[1:], clip.dtype
    ((120, 160, 3), dtype('uint8'))
    """
    check_choice("action", action, ACTIONS)
    check_choice("dark", dark, (True, False))
    for name, value in (("take", take), ("performer", performer), ("seed", seed)):
        check_count(name, value, 0)
    size, fps = check_size(size), check_rate(fps)
    body = draw_performer(_stream(seed, "performer", performer))
    rng = _stream(seed, "take", ACTIONS.index(action), performer, take)
    return _render(rng, action, body, size, fps, dark=dark)


def _stream(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the random stream of one purpose."""
    tag = ("performer", "take").index(purpose)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, tag, *numbers))))


def _render(
    rng: np.random.Generator, action: str, body: Performer, size: tuple[int, int], fps: float, *, dark: bool
) -> NDArray[np.uint8]:
    """Draw what a clip is, and film it."""
    n_frames = round(rng.uniform(*SECONDS) * fps)
    times = np.arange(n_frames) / fps
    manner = Manner(
        seconds=n_frames / fps,
        tempo=rng.uniform(0.85, 1.2),
        vigour=rng.uniform(0.85, 1.15),
        phase=rng.random(),
        side=1 if rng.random() < 0.5 else -1,
    )
    yaw, carry, past, scale_share = (
        rng.uniform(0, 2 * np.pi),
        rng.random(),
        rng.random(),
        rng.uniform(0.85, 1.12),
    )
    scale = body.height * size[0] * scale_share
    motion = move(action, times, manner)
    far = float(np.ptp(motion.way))
    room = min(WIDE * size[1] / scale / max(abs(np.cos(yaw)), 0.05), DEEP / max(abs(np.sin(yaw)), 0.05))
    motion.way = motion.way * carry * min(1.0, room / max(far, 1e-9))
    # The figure passes its stool at any moment of the clip.
    motion.way = motion.way - past * motion.way[-1]
    limbs = pose(body, motion, yaw)
    scene = draw_scene(rng, body, limbs, scale, yaw, size)
    return expose(rng, film(scene, body, limbs), dark=dark)


def check_count(name: str, value: int, least: int) -> int:
    """Return a whole number from `least` on, or raise naming the argument."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentTypeError(f"`{name}` must be a whole number, got {type(value).__name__}")
    if value < least:
        raise ArgumentError(f"`{name}` must be at least {least}, got {value}")
    return int(value)


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width), both at least 32, or raise."""
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ArgumentError(f"`size` must be (height, width), got {size!r}")
    return check_count("size", size[0], 32), check_count("size", size[1], 32)


def check_rate(fps: float) -> float:
    """Return frames a second, or raise."""
    if isinstance(fps, bool) or not isinstance(fps, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(f"`fps` must be a number, got {type(fps).__name__}")
    if not 1 <= fps <= 1000:
        raise ArgumentError(f"`fps` must lie in 1..1000, got {fps}")
    return float(fps)
