"""Space-time interest points: scale space, response, selection, description.

=================  =====================================================================
`detect`           the points of a clip, in memory or in pieces
`Detection`        every number of the detector; `detect` takes them as keywords
`describe`         a descriptor for each point, by name
`jets`             derivatives at the points
`scale_space`      the steps of `detect`, each by itself: smoothing,
`gradients`        derivatives,
`second_moments`   their products, smoothed,
`response`         the Harris-3D response,
`select`           and the choice of points
=================  =====================================================================

A clip is an array of grey frames (T, H, W), uint8, or float32 from 0 (black) to 1 (white).
"""

from __future__ import annotations

from harkit.stip._detection import Detection, detect
from harkit.stip._jets import describe, jets
from harkit.stip._points import POINT_DTYPE, Points
from harkit.stip._steps import gradients, response, scale_space, second_moments, select

__all__ = [
    "POINT_DTYPE",
    "Detection",
    "Points",
    "describe",
    "detect",
    "gradients",
    "jets",
    "response",
    "scale_space",
    "second_moments",
    "select",
]
