"""Space-time interest points: scale space, response, selection, description.

=================  =====================================================================
`detect`           the points of a clip, in memory or in pieces
`Detection`        every number of the detector; `detect` takes them as keywords
`describe`         a descriptor for each point, by name
`jets`             derivatives at the points
`histograms`       gradients and flow around them: HOG, HOF, MBH
`optical_flow`     where pixels go
`scale_space`      the steps of `detect`, each by itself: smoothing,
`gradients`        derivatives,
`second_moments`   their products, smoothed,
`response`         the Harris-3D response,
`select`           and the choice of points
`dense_points`     points on a grid instead
`StipExtractor`    many videos to `DescriptorSets`, as scikit-learn wants it
=================  =====================================================================

A clip is an array of grey frames (T, H, W), uint8, or float32 from 0 (black) to 1 (white).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harkit.stip._dense import dense_points
from harkit.stip._descriptor_sets import DescriptorSets
from harkit.stip._detection import Detection, detect
from harkit.stip._flow import OpticalFlow, optical_flow
from harkit.stip._histograms import Histograms, histograms
from harkit.stip._jets import describe, jets
from harkit.stip._points import POINT_DTYPE, Points
from harkit.stip._steps import gradients, response, scale_space, second_moments, select

if TYPE_CHECKING:
    from harkit.stip._extractor import StipExtractor

__all__ = [
    "POINT_DTYPE",
    "DescriptorSets",
    "Detection",
    "Histograms",
    "OpticalFlow",
    "Points",
    "StipExtractor",
    "dense_points",
    "describe",
    "detect",
    "gradients",
    "histograms",
    "jets",
    "optical_flow",
    "response",
    "scale_space",
    "second_moments",
    "select",
]


def __getattr__(name: str) -> Any:
    # It brings in scikit-learn, which whoever only wants points need not wait for.
    if name != "StipExtractor":
        raise AttributeError(f"module 'harkit.stip' has no attribute {name!r}")
    from harkit.stip._extractor import StipExtractor

    return StipExtractor
