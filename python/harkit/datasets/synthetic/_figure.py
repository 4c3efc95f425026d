"""A human figure: from joint angles to limbs in space, and from limbs to pixels.

Lengths are in body heights. Body axes are forward, left, up; the picture's are x to the right, y down, and
depth towards the camera. Limbs are capsules with two radii, drawn far to near with edges smoothed over one
pixel. Cost: about 25 small capsules a frame, each drawn in its own box only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harkit.datasets.synthetic._motion import Array, Motion

Colour = tuple[float, float, float]
ANKLE = 0.035
# How much darker a limb is at its edge.
SHADE = np.float32(0.3)


@dataclass(frozen=True)
class Performer:
    """A body and its clothes; `height` in shares of the frame's height, the others in body heights."""

    height: float
    thigh: float
    shin: float
    trunk: float
    upper_arm: float
    forearm: float
    shoulders: float
    hips: float
    head: float
    girth: float
    shirt: Colour
    sleeves: Colour
    trousers: Colour
    shoes: Colour
    skin: Colour
    hair: Colour


def draw_performer(rng: np.random.Generator) -> Performer:
    """Draw a body and clothes at random."""

    def about(value: float, spread: float) -> float:
        return float(value * rng.uniform(1 - spread, 1 + spread))

    def cloth() -> Colour:
        level, tint = rng.uniform(0.15, 0.9), rng.uniform(0.55, 1, 3)
        return _colour(level * tint)

    shirt, skin = cloth(), rng.uniform(0.3, 1)
    return Performer(
        height=about(0.58, 0.12),
        thigh=about(0.24, 0.06),
        shin=about(0.235, 0.06),
        trunk=about(0.285, 0.06),
        upper_arm=about(0.165, 0.06),
        forearm=about(0.15, 0.06),
        shoulders=about(0.105, 0.12),
        hips=about(0.055, 0.12),
        head=about(0.066, 0.08),
        girth=about(1.0, 0.18),
        shirt=shirt,
        sleeves=shirt if rng.random() < 0.7 else cloth(),
        trousers=cloth(),
        shoes=_colour(rng.uniform(0.1, 0.8) * np.ones(3)),
        skin=_colour(np.array([0.95, 0.74, 0.6]) * skin),
        hair=_colour(np.array([0.55, 0.4, 0.3]) * rng.uniform(0.15, 1.1)),
    )


def _colour(values: Array) -> Colour:
    red, green, blue = np.clip(values, 0, 1).tolist()
    return red, green, blue


@dataclass(frozen=True)
class Limbs:
    """Capsules over time: ends (T, n, 3) as x, height and depth, radii (n, 2), colours (n, 3)."""

    start: Array
    stop: Array
    radii: Array
    colours: Array


@dataclass(frozen=True)
class _Joints:
    """Joints in body axes, each (T, 3)."""

    pelvis: Array
    neck: Array
    hips: tuple[Array, Array]
    knees: tuple[Array, Array]
    ankles: tuple[Array, Array]
    toes: tuple[Array, Array]
    shoulders: tuple[Array, Array]
    elbows: tuple[Array, Array]
    hands: tuple[Array, Array]


def pose(performer: Performer, motion: Motion, yaw: float) -> Limbs:
    """Return the figure's limbs, feet on the floor (height 0), seen from the side that `yaw` turns it to."""
    joints = _joints(performer, motion)
    turned = yaw + motion.yaw
    way = motion.way
    if motion.planted:
        # Feet stay put, so the hips move over them.
        way = way - (joints.ankles[0][:, 0] + joints.ankles[1][:, 0]) / 2
    floor = np.min(
        [a[:, 2] - ANKLE for a in joints.ankles] + [t[:, 2] - 0.5 * ANKLE for t in joints.toes], axis=0
    )
    # The way is gone in the direction faced at first; a turn has none.
    shift = np.stack([way * np.cos(yaw), motion.flight - floor, way * np.sin(yaw)], axis=1)
    starts, stops, radii, colours = zip(*_capsules(performer, joints), strict=True)

    def seen(points: tuple[Array, ...]) -> Array:
        return np.stack([_view(point, turned) + shift for point in points], axis=1)

    return Limbs(seen(starts), seen(stops), np.array(radii) * performer.girth, np.array(colours))


def _view(point: Array, yaw: Array) -> Array:
    """Body axes to x, height, depth."""
    forward, left, up = point.T
    x = forward * np.cos(yaw) - left * np.sin(yaw)
    depth = forward * np.sin(yaw) + left * np.cos(yaw)
    return np.stack([x, up, depth], axis=1)


def _joints(performer: Performer, motion: Motion) -> _Joints:
    pelvis = np.zeros((len(motion.lean), 3))
    neck = pelvis + performer.trunk * _direction(np.pi - motion.lean)
    sides: list[tuple[Array, ...]] = []
    for side, sign in enumerate((1, -1)):
        hip = pelvis + np.array([0, sign * performer.hips, 0])
        knee = hip + performer.thigh * _direction(motion.hip[side])
        shin = motion.hip[side] - motion.knee[side]
        ankle = knee + performer.shin * _direction(shin)
        # The toes point down when the heel is lifted behind, up when the leg reaches forward.
        pitch = 0.65 * np.maximum(0, -shin) - 0.4 * np.maximum(0, shin)
        toe = ankle + 0.1 * _direction(np.pi / 2 - pitch) - np.array([0, 0, 0.4 * ANKLE])
        shoulder = neck + np.array([0, sign * performer.shoulders, 0])
        out = sign * motion.arms_out
        elbow = shoulder + performer.upper_arm * _direction(motion.shoulder[side], out)
        hand = elbow + performer.forearm * _direction(motion.shoulder[side] + motion.elbow[side], 0.4 * out)
        sides.append((hip, knee, ankle, toe, shoulder, elbow, hand))
    return _Joints(pelvis, neck, *zip(*sides, strict=True))


def _direction(angle: Array, out: float = 0.0) -> Array:
    """Return the unit vector that hangs down at 0, leads forward at pi / 2, and spreads sideways by `out`."""
    forward, up = np.sin(angle) * np.cos(out), -np.cos(angle) * np.cos(out)
    return np.stack([forward, np.full_like(angle, np.sin(out)), up], axis=1)


def _capsules(
    performer: Performer, joints: _Joints
) -> list[tuple[Array, Array, tuple[float, float], Colour]]:
    """Each limb as start, stop, radii, colour."""
    up = (joints.neck - joints.pelvis) / performer.trunk
    head = joints.neck + (0.035 + performer.head) * up + np.array([0.015, 0, 0])
    crown = head + np.array([-0.02, 0, 0.018])
    parts = [
        (joints.pelvis, joints.neck, (0.062, 0.066), performer.shirt),
        (joints.neck, head, (0.03, 0.03), performer.skin),
        (head, head, (performer.head, performer.head), performer.skin),
        (crown, crown, (performer.head + 0.004, performer.head + 0.004), performer.hair),
        (joints.shoulders[0], joints.shoulders[1], (0.042, 0.042), performer.shirt),
        (joints.hips[0], joints.hips[1], (0.056, 0.056), performer.trousers),
    ]
    for side in (0, 1):
        chest = 0.4 * joints.neck + 0.6 * joints.shoulders[side] - 0.02 * up
        parts += [
            (joints.hips[side] + 0.04 * up, chest, (0.05, 0.05), performer.shirt),
            (joints.hips[side], joints.knees[side], (0.058, 0.042), performer.trousers),
            (joints.knees[side], joints.ankles[side], (0.042, 0.03), performer.trousers),
            (joints.ankles[side], joints.toes[side], (0.032, 0.024), performer.shoes),
            (joints.shoulders[side], joints.elbows[side], (0.04, 0.031), performer.sleeves),
            (joints.elbows[side], joints.hands[side], (0.03, 0.024), performer.skin),
            (joints.hands[side], joints.hands[side], (0.028, 0.028), performer.skin),
        ]
    return parts


def draw_capsules(
    frames: NDArray[np.float32],
    start: Array,
    stop: Array,
    radii: Array,
    colours: Array,
    order: NDArray[np.intp],
) -> None:
    """Draw capsules into frames (T, H, W, 3), each frame's in its own order.

    `start` and `stop` are (T, n, 2) as (x, y) in pixels, `radii` (T, n, 2), `colours` (n, 3).
    """
    height, width = frames.shape[1:3]
    reach = radii.max(axis=-1, keepdims=True) + 1
    first = np.clip(np.floor(np.minimum(start, stop) - reach), 0, (width, height)).astype(int)
    last = np.clip(np.ceil(np.maximum(start, stop) + reach) + 1, 0, (width, height)).astype(int)
    along = (stop - start).astype(np.float32)
    squared = np.maximum((along**2).sum(axis=-1), np.float32(1e-9))
    start, radii, colours = start.astype(np.float32), radii.astype(np.float32), colours.astype(np.float32)
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    for t, picture in enumerate(frames):
        for n in order[t]:
            (left, top), (right, bottom) = first[t, n], last[t, n]
            if left < right and top < bottom:
                _draw_capsule(
                    picture[top:bottom, left:right],
                    x[:, left:right] - start[t, n, 0],
                    y[top:bottom] - start[t, n, 1],
                    along[t, n] / squared[t, n],
                    along[t, n],
                    radii[t, n],
                    colours[n],
                )


def _draw_capsule(
    box: NDArray[np.float32],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    rate: NDArray[np.float32],
    along: NDArray[np.float32],
    radii: NDArray[np.float32],
    colour: NDArray[np.float32],
) -> None:
    """Draw one capsule into its box; `x`, `y` count from its start. It is darker towards its edge."""
    share = np.minimum(np.maximum(x * rate[0] + y * rate[1], 0), 1)
    squared = (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2
    radius = radii[0] + share * (radii[1] - radii[0])
    cover = np.minimum(np.maximum(radius - np.sqrt(squared) + np.float32(0.5), 0), 1)[..., None]
    shade = 1 - SHADE * np.minimum(squared / radius**2, 1)[..., None]
    box += cover * (shade * colour - box)
