"""How a figure moves: joint angles over time for the six actions.

Angles are in radians, arrays of shape (T,); times are in seconds. A positive hip, shoulder or spine angle
leads forward; knees and elbows bend by a positive angle. What does not tell the action (length, tempo,
phase, direction) is drawn alike for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The classes of EE6222 in its label order.
ACTIONS = ("Jump", "Run", "Sit", "Stand", "Turn", "Walk")

# Strides (two steps) a second, and jumps a second, of a tempo of 1.
WALKING, RUNNING, JUMPING, TURNING = 0.9, 1.45, 0.85, 0.8
# Seconds that sitting down takes at a tempo of 1; the clip's rest is stillness before and after.
SITTING = 0.95


@dataclass
class Motion:
    """Joint angles by name, each left and right; where the body is and faces; lengths in body heights."""

    hip: tuple[Array, Array]
    knee: tuple[Array, Array]
    shoulder: tuple[Array, Array]
    elbow: tuple[Array, Array]
    lean: Array
    # Added to the body's height over the floor when neither foot stands.
    flight: Array
    # The way gone forward by steps that carry fully, and the direction faced, from where the clip starts.
    way: Array
    yaw: Array
    # Whether the feet stay where they are and the hips move over them.
    planted: bool = True
    arms_out: float = field(default=0.12)


@dataclass(frozen=True)
class Manner:
    """What is drawn for a clip, whatever the action; the phase lies in 0..1."""

    seconds: float
    tempo: float
    vigour: float
    phase: float
    # +1 or -1: which way a turn goes, which foot leads.
    side: int


def move(action: str, times: Array, manner: Manner) -> Motion:
    """Return the motion of `action` at `times`, with the small sway of a living body on top."""
    motion = MOVES[action](times, manner)
    sway = 2 * np.pi * (0.35 * times + manner.phase)
    motion.lean = motion.lean + 0.025 * np.sin(sway)
    return motion


def _stride(times: Array, manner: Manner, rate: float) -> tuple[Array, Array]:
    """Phases of the left and the right leg; at 0 the thigh swings forward through the vertical."""
    left = 2 * np.pi * (rate * manner.tempo * times + manner.phase)
    return left, left + np.pi


def _walk(times: Array, manner: Manner) -> Motion:
    legs = _stride(times, manner, WALKING)
    reach = 0.42 * manner.vigour
    return Motion(
        hip=_each(legs, lambda p: 0.06 + reach * np.sin(p)),
        knee=_each(legs, lambda p: 0.1 + 0.95 * np.maximum(0, np.cos(p + 0.35)) ** 1.5),
        shoulder=_each(legs, lambda p: -0.4 * manner.vigour * np.sin(p)),
        elbow=_each(legs, lambda p: 0.3 - 0.15 * np.sin(p)),
        lean=np.full_like(times, 0.05),
        flight=np.zeros_like(times),
        way=1.75 * reach * WALKING * manner.tempo * times,
        yaw=np.zeros_like(times),
        planted=False,
    )


def _run(times: Array, manner: Manner) -> Motion:
    legs = _stride(times, manner, RUNNING)
    reach = 0.68 * manner.vigour
    return Motion(
        hip=_each(legs, lambda p: 0.2 + reach * np.sin(p)),
        knee=_each(legs, lambda p: 0.25 + 1.6 * np.maximum(0, np.cos(p + 0.35)) ** 1.5),
        shoulder=_each(legs, lambda p: -0.1 - 0.75 * manner.vigour * np.sin(p)),
        elbow=_each(legs, lambda p: 1.5 - 0.2 * np.sin(p)),
        lean=np.full_like(times, 0.18),
        # Both feet are off the floor while the legs are furthest apart, twice a stride.
        flight=0.06 * np.maximum(0, -np.cos(2 * legs[0])),
        way=2.0 * reach * RUNNING * manner.tempo * times,
        yaw=np.zeros_like(times),
        planted=False,
    )


def _jump(times: Array, manner: Manner) -> Motion:
    phase = JUMPING * manner.tempo * times + manner.phase
    crouch = _keyed(phase, (0, 0.05, 0.24, 0.36, 0.66, 0.76, 0.95, 1), (0, 0, 1, 0.05, 0.1, 0.75, 0, 0))
    raised = _keyed(phase, (0, 0.05, 0.22, 0.42, 0.6, 0.8, 1), (0.1, 0.1, -0.8, 2.5, 1.9, 0.3, 0.1))
    rise = (phase % 1 - 0.36) / (0.66 - 0.36)
    height = 0.24 * manner.vigour
    forward = _keyed(phase, (0, 0.36, 0.66, 1), (0, 0, 1, 1)) + np.floor(phase)
    return Motion(
        hip=(1.15 * crouch, 1.15 * crouch),
        knee=(0.05 + 1.75 * crouch, 0.05 + 1.75 * crouch),
        shoulder=(raised, raised),
        elbow=(np.full_like(times, 0.25), np.full_like(times, 0.25)),
        lean=0.04 + 0.6 * crouch,
        flight=height * np.clip(4 * rise * (1 - rise), 0, None),
        way=0.35 * (forward - forward[0]),
        yaw=np.zeros_like(times),
    )


def _turn(times: Array, manner: Manner) -> Motion:
    legs = _stride(times, manner, TURNING * 1.6)
    return Motion(
        hip=_each(legs, lambda p: 0.28 * np.maximum(0, np.cos(p)) + 0.1 * np.sin(p)),
        knee=_each(legs, lambda p: 0.08 + 0.6 * np.maximum(0, np.cos(p))),
        shoulder=_each(legs, lambda p: -0.15 * np.sin(p)),
        elbow=_each(legs, lambda p: np.full_like(p, 0.3)),
        lean=np.full_like(times, 0.03),
        flight=np.zeros_like(times),
        way=np.zeros_like(times),
        yaw=manner.side * 2 * np.pi * 0.42 * manner.tempo * manner.vigour * times,
    )


def _seated(times: Array, manner: Manner, *, down: bool) -> Motion:
    takes = SITTING / manner.tempo
    begins = manner.phase * max(manner.seconds - takes, 0.0)
    done = _smooth((times - begins) / takes)
    sat = done if down else 1 - done
    # Halfway the trunk bows over the feet and the knees go forward.
    halfway = 4 * sat * (1 - sat)
    return Motion(
        hip=(1.5 * sat, 1.5 * sat),
        knee=(0.05 + 1.45 * sat + 0.35 * halfway, 0.05 + 1.45 * sat + 0.35 * halfway),
        shoulder=_both(0.05 + 0.5 * sat + 0.5 * manner.vigour * halfway),
        elbow=_both(0.2 + 0.5 * sat),
        lean=0.04 + 0.06 * sat + 0.6 * manner.vigour * halfway,
        flight=np.zeros_like(times),
        way=np.zeros_like(times),
        yaw=np.zeros_like(times),
    )


MOVES: dict[str, Callable[[Array, Manner], Motion]] = {
    "Jump": _jump,
    "Run": _run,
    "Sit": lambda times, manner: _seated(times, manner, down=True),
    "Stand": lambda times, manner: _seated(times, manner, down=False),
    "Turn": _turn,
    "Walk": _walk,
}


def _each(phases: tuple[Array, Array], angle: Callable[[Array], Array]) -> tuple[Array, Array]:
    return angle(phases[0]), angle(phases[1])


def _both(angle: Array) -> tuple[Array, Array]:
    return angle, angle


def _smooth(x: Array) -> Array:
    """0 before 0, 1 after 1, without a kink between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _keyed(phase: Array, at: Sequence[float], values: Sequence[float]) -> Array:
    """Values at key phases of a cycle, joined smoothly."""
    phase = phase % 1
    right = np.clip(np.searchsorted(at, phase, side="right"), 1, len(at) - 1)
    keys, levels = np.asarray(at), np.asarray(values)
    share = _smooth((phase - keys[right - 1]) / (keys[right] - keys[right - 1]))
    moved: Array = levels[right - 1] + share * (levels[right] - levels[right - 1])
    return moved
