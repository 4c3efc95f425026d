"""Space-time interest points: scale space, response, selection, description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harkit.stip._descriptor_sets import DescriptorSets
from harkit.stip._detection import describe, detect
from harkit.stip._points import POINT_DTYPE, Points

if TYPE_CHECKING:
    from harkit.stip._extractor import StipExtractor

__all__ = ["POINT_DTYPE", "DescriptorSets", "Points", "StipExtractor", "describe", "detect"]


def __getattr__(name: str) -> Any:
    # It brings in scikit-learn, which whoever only wants points need not wait for.
    if name != "StipExtractor":
        raise AttributeError(f"module 'harkit.stip' has no attribute {name!r}")
    from harkit.stip._extractor import StipExtractor

    return StipExtractor
