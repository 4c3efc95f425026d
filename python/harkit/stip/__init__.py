"""Space-time interest points: scale space, response, selection, description."""

from __future__ import annotations

from harkit.stip._points import POINT_DTYPE, Points

__all__ = ["POINT_DTYPE", "Points"]
