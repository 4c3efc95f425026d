"""A place and a camera: background, stool, where the figure is, light and sensor noise.

Pictures are float32 in 0..1, as a display shows them. The sensor counts photons of the linear light
(shot noise grows with the root of the count) and adds read noise; a dark clip is the same scene at a
hundredth of the exposure, not brightened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harkit.datasets.synthetic._figure import ANKLE, Limbs, Performer, draw_capsules
from harkit.datasets.synthetic._motion import Array

Picture = NDArray[np.float32]

# Display gamma, and photons that a white pixel of a well lit scene gives.
DISPLAY = 2.2
LEVELS = 1024
WHITE = 8000
READ_NOISE = 3.0
# Exposure of dark clips; with it a frame's mean is about 0.05 to 0.09, as that of the dark set (0.07).
DARK = (0.006, 0.018)
# The camera's distance in body heights: a figure that comes nearer grows.
DISTANCE = 5.0
# The camera's height, in body heights.
EYE = 0.6
STOOL_WIDTH = 0.11
# How far the hips are above the seat of a sitting figure.
SEATED = 0.075
# What a limb is thicker than its bones, at most (the head).
LIMB = 0.075


@dataclass(frozen=True)
class Scene:
    """A place: its picture, where the figure starts (x, floor y in pixels), pixels a body height."""

    background: Picture
    x: float
    floor: float
    scale: float
    # Where the stool stands from the figure's start: x and depth in body heights, and its colour.
    stool: tuple[float, float]
    stool_colour: Array


def draw_background(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """Draw a wall with things on it and a floor."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    floor_y = height * rng.uniform(0.55, 0.75)
    wall, ground = _paint(rng), _paint(rng)
    slope = rng.uniform(-0.25, 0.25) * (x / width - 0.5) + rng.uniform(-0.2, 0.2) * (y / height - 0.5)
    picture = wall * (1 + slope[..., None])
    for _ in range(rng.integers(2, 7)):
        half = rng.uniform(0.03, 0.16, 2) * (width, height)
        centre = rng.uniform(0, 1, 2) * (width, floor_y)
        inside = np.clip(half[0] - np.abs(x - centre[0]), 0, 1) * np.clip(
            half[1] - np.abs(y - centre[1]), 0, 1
        )
        picture += 0.8 * inside[..., None] * (_paint(rng) - picture)
    below = np.clip(y - floor_y, 0, 1)[..., None]
    depth = 0.75 + 0.5 * (y - floor_y) / max(height - floor_y, 1)
    picture += below * (ground * depth[..., None] - picture)
    picture += 0.06 * _clouds(rng, size)[..., None]
    return np.asarray(np.clip(picture, 0.02, 1), dtype=np.float32)


def _paint(rng: np.random.Generator) -> Array:
    level, tint = rng.uniform(0.2, 0.85), rng.uniform(0.7, 1, 3)
    return np.asarray(level * tint)


def _clouds(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Smooth unevenness about 0: a coarse grid of normal numbers, drawn out bilinearly."""
    height, width = size
    grid = rng.standard_normal((7, 9))
    rows = np.linspace(0, 6, height)
    columns = np.linspace(0, 8, width)
    low = np.minimum(rows.astype(int), 5)
    between = grid[low] + (rows - low)[:, None] * (grid[low + 1] - grid[low])
    left = np.minimum(columns.astype(int), 7)
    uneven: Array = between[:, left] + (columns - left) * (between[:, left + 1] - between[:, left])
    return uneven


def draw_scene(
    rng: np.random.Generator,
    performer: Performer,
    limbs: Limbs,
    scale: float,
    yaw: float,
    size: tuple[int, int],
) -> Scene:
    """Draw a place in which the figure stays in the picture during the whole clip."""
    height, width = size
    background = draw_background(rng, size)
    growth = (DISTANCE / (DISTANCE - limbs.start[:, 0, 2]))[:, None]
    ends = np.concatenate([limbs.start, limbs.stop], axis=1)
    left, right = (growth * ends[..., 0]).min() - LIMB, (growth * ends[..., 0]).max() + LIMB
    top = (growth * (ends[..., 1] + LIMB) - EYE * (growth - 1)).max()
    bottom = (EYE * (growth - 1)).max() + 0.5 * LIMB
    x = _between(rng, -scale * left, width - scale * right)
    floor = _between(rng, max(scale * top, 0.72 * height), height - scale * bottom)
    # The stool stands behind the heels, within reach of sitting down, in every clip.
    stool = (-performer.thigh * np.cos(yaw), -performer.thigh * np.sin(yaw))
    return Scene(background, x, floor, scale, stool, _paint(rng))


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw from a range, or take its middle where there is no room."""
    share = rng.random()
    return float(low + share * (high - low)) if low < high else float((low + high) / 2)


def film(scene: Scene, performer: Performer, limbs: Limbs) -> Picture:
    """Return the frames, (T, H, W, 3)."""
    # The first limb is the trunk; as deep as its foot stands the figure.
    growth = DISTANCE / (DISTANCE - limbs.start[:, :1, 2])
    figure = (
        _place(scene, limbs.start, growth),
        _place(scene, limbs.stop, growth),
        limbs.radii * (scene.scale * growth)[..., None],
    )
    depth = (limbs.start[..., 2] + limbs.stop[..., 2]) / 2
    stool, stool_depth = _stool(scene, performer)
    start, stop, radii = (
        np.concatenate([np.broadcast_to(mine, (len(depth), *mine.shape)), theirs], axis=1)
        for mine, theirs in zip(stool, figure, strict=True)
    )
    depth = np.concatenate([np.broadcast_to(stool_depth, (len(depth), len(stool_depth))), depth], axis=1)
    colours = np.concatenate([[scene.stool_colour] * len(stool_depth), limbs.colours])
    frames = np.repeat(scene.background[None], len(depth), axis=0)
    draw_capsules(frames, start, stop, radii, colours, np.argsort(depth, axis=1, kind="stable"))
    return frames


def _place(scene: Scene, points: Array, growth: Array) -> Array:
    """Pixels (x, y) of points: what is nearer is larger and stands lower."""
    x = scene.x + scene.scale * points[..., 0] * growth
    y = scene.floor + scene.scale * (EYE * (growth - 1) - points[..., 1] * growth)
    return np.stack([x, y], axis=-1)


def _stool(scene: Scene, performer: Performer) -> tuple[tuple[Array, Array, Array], Array]:
    """Seat and two legs, as high as the performer's knees: starts, stops, radii in pixels; depths."""
    x, depth = scene.stool
    seat = performer.shin + ANKLE - SEATED
    left, right = x - STOOL_WIDTH, x + STOOL_WIDTH
    start = np.array([(left, seat), (left, 0), (right, 0)])
    stop = np.array([(right, seat), (left, seat), (right, seat)])
    radii = scene.scale * np.array([(0.022, 0.022), (0.014, 0.014), (0.014, 0.014)])
    still = np.ones(3)
    return (_place(scene, start, still), _place(scene, stop, still), radii), np.full(3, depth)


def expose(rng: np.random.Generator, frames: Picture, *, dark: bool) -> NDArray[np.uint8]:
    """Return what the sensor makes of the frames, uint8."""
    exposure = float(rng.uniform(*DARK)) if dark else 1.0
    noise = np.random.Generator(np.random.SFC64(rng.integers(2**63)))
    # Tables in place of powers of every pixel: display value -> photons, photons -> grey level.
    light = WHITE * exposure * np.linspace(0, 1, LEVELS) ** DISPLAY
    spread = np.sqrt(light + READ_NOISE**2)
    shown = np.rint(255 * (np.arange(WHITE + 1) / WHITE) ** (1 / DISPLAY)).astype(np.uint8)
    light, spread = light.astype(np.float32), spread.astype(np.float32)
    seen = np.empty(frames.shape, dtype=np.uint8)
    # Frame by frame, so that all of it stays in cache.
    for frame, out in zip(frames, seen, strict=True):
        levels = (frame * np.float32(LEVELS - 1) + np.float32(0.5)).astype(np.int32)
        counted = noise.standard_normal(frame.shape, dtype=np.float32)
        counted *= np.take(spread, levels)
        counted += np.take(light, levels)
        np.take(shown, np.rint(counted).astype(np.int32), mode="clip", out=out)
    return seen
