"""The picture of a network, as SVG: what `_layout` placed, in the colours of the legend."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from harkit.errors import FileAccessError, FilePermissionError
from harkit.models._cards import Block, Card, State, gathered
from harkit.models._graph import Graph
from harkit.models._layout import Box, Layout, Point, laid_out

__all__ = ["Drawing", "drawn"]

_MARGIN, _HEADER = 24.0, 64.0
# Fill, line and text.
_COLORS: dict[State, tuple[str, str, str]] = {
    "trainable": ("#dbeafe", "#3b82f6", "#1e3a8a"),
    "frozen": ("#e5e7eb", "#6b7280", "#374151"),
    "plain": ("#ffffff", "#cbd5e1", "#334155"),
}
_SAID = {"trainable": "trained", "frozen": "frozen", "plain": "no parameters"}
_BLOCKS = ("#f8fafc", "#f1f5f9")
# Of corners.
_RADIUS = 8.0
_LINE, _QUIET, _LOUD = "#94a3b8", "#64748b", "#0f172a"
_FONT = "font-family=\"Inter, 'Segoe UI', Helvetica, Arial, sans-serif\""


@dataclass(frozen=True, repr=False)
class Drawing:
    """What :meth:`Model.draw` gives: shows itself in a notebook.

    Attributes
    ----------
    svg : str
        The picture's text.
    """

    svg: str

    def __repr__(self) -> str:
        return f"Drawing({len(self.svg):,} characters of SVG)"

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture.

        Parameters
        ----------
        path : str or os.PathLike
            An SVG file.

        Raises
        ------
        harkit.errors.FileAccessError, harkit.errors.FilePermissionError
            A file that cannot be written.
        """
        place = Path(path)
        try:
            place.write_text(self.svg, encoding="utf-8")
        except PermissionError as error:
            raise FilePermissionError(f"{place}: {error.strerror}", path=place) from error
        except OSError as error:
            raise FileAccessError(f"{place}: {error}", path=place) from error


def drawn(
    graph: Graph,
    parameters: Sequence[tuple[str, Sequence[int], bool, bool]],
    shapes: Sequence[Sequence[int]],
) -> Drawing:
    """Draw a network; shapes are those of a batch of one."""
    root = gathered(graph, parameters, shapes)
    layout = laid_out(root)
    width = max(layout.width, 460.0) + 2 * _MARGIN
    height = layout.height + _HEADER + 2 * _MARGIN
    n_parameters = sum(math.prod(shape) for _, shape, learnt, _ in parameters if learnt)
    states = {card.state for card in root.cards()} | {
        chip.state for card in root.cards() for chip in card.chips
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" {_FONT}>',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto">'
        f'<path d="M0 0.5 L7.5 4 L0 7.5 z" fill="{_LINE}"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        _header(graph.name, n_parameters, shapes[0][1:], states),
        f'<g transform="translate({_MARGIN:.0f} {_MARGIN + _HEADER:.0f})">',
        *_blocks(root, layout, 0),
        *(_edge(points) for points in layout.edges),
        *(_card(card, layout.boxes[card]) for card in root.cards()),
        "</g></svg>",
    ]
    return Drawing("\n".join(parts) + "\n")


def _text(x: float, y: float, text: str, size: float, color: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{color}"{more}>{escape(text)}</text>'


def _header(name: str, n_parameters: int, shape: Sequence[int], states: set[State]) -> str:
    taken = f"{n_parameters:,} parameters · input {_shape(shape)}"
    parts = [
        _text(_MARGIN, 38, name, 20, _LOUD, ' font-weight="600"'),
        _text(_MARGIN, 58, taken, 12, _QUIET),
    ]
    x = _MARGIN
    for state, (fill, line, _) in _COLORS.items():
        if state in states:
            parts.append(
                f'<rect x="{x}" y="68" width="12" height="12" rx="3" fill="{fill}" stroke="{line}"/>'
            )
            parts.append(_text(x + 18, 78.5, _SAID[state], 11.5, _QUIET))
            x += 36 + 6.2 * len(_SAID[state])
    return "".join(parts)


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def _blocks(block: Block, layout: Layout, depth: int) -> list[str]:
    parts = []
    for child in block.children:
        if isinstance(child, Block):
            box = layout.boxes[child]
            parts.append(
                f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
                f'rx="10" fill="{_BLOCKS[depth % 2]}" stroke="#e2e8f0"/>'
            )
            count = f'<tspan dx="8" fill="{_LOUD}">× {child.count}</tspan>' if child.count > 1 else ""
            label = _text(box.x + 10, box.y + 17, child.label, 11.5, _QUIET, ' font-weight="600"')
            parts.append(label.replace("</text>", f"{count}</text>"))
            parts += _blocks(child, layout, depth + 1)
    return parts


def _edge(points: Sequence[Point]) -> str:
    """Draw a line from card to card: bent where it changes lanes, round where it changes columns."""
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for i in range(1, len(points)):
        (x0, y0), (x, y) = points[i - 1], points[i]
        if abs(x - x0) < 0.5 or abs(y - y0) < 0.5:
            after = points[i + 1] if i + 1 < len(points) else None
            path.append(_corner((x0, y0), (x, y), after))
        else:
            bend = max((y - y0) / 2, 10)
            path.append(f"C{x0:.1f} {y0 + bend:.1f} {x:.1f} {y - bend:.1f} {x:.1f} {y:.1f}")
    line = f'fill="none" stroke="{_LINE}" stroke-width="1.5" marker-end="url(#arrow)"'
    return f'<path d="{" ".join(path)}" {line}/>'


def _corner(start: Point, corner: Point, after: Point | None) -> str:
    """Draw a straight line, and the round corner at its end if it has one."""
    upright = abs(corner[0] - start[0]) < 0.5
    turns = after is not None and (
        abs(after[1] - corner[1]) < 0.5 if upright else abs(after[0] - corner[0]) < 0.5
    )
    if after is None or not turns or corner in (start, after):
        return f"L{corner[0]:.1f} {corner[1]:.1f}"
    near, far = _towards(corner, start), _towards(corner, after)
    return f"L{near[0]:.1f} {near[1]:.1f} Q{corner[0]:.1f} {corner[1]:.1f} {far[0]:.1f} {far[1]:.1f}"


def _towards(corner: Point, end: Point) -> Point:
    """Return the point where the round part begins."""
    dx, dy = end[0] - corner[0], end[1] - corner[1]
    length = abs(dx) + abs(dy)
    part = min(_RADIUS, length / 2) / length
    return corner[0] + dx * part, corner[1] + dy * part


def _card(card: Card, box: Box) -> str:
    fill, line, color = _COLORS[card.state]
    x, y, width = box.x, box.y, box.width
    tip = f"{card.name}: {card.title}, {card.n_parameters:,} parameters, gives {_shape(card.shape)}"
    parts = [
        f"<g><title>{escape(tip)}</title>",
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{box.height:.1f}" rx="7" fill="{fill}" '
        f'stroke="{line}"/>',
        _text(x + 10, y + 18, card.title, 12.5, color, ' font-weight="600"'),
        _text(x + 10, y + 35, card.short_label, 10.5, _QUIET),
        _text(x + width - 10, y + 35, _shape(card.shape), 10.5, _QUIET, ' text-anchor="end"'),
    ]
    right = x + width - 8
    for chip in reversed(card.chips):
        fill, line, color = _COLORS[chip.state]
        wide = 5.8 * len(chip.text) + 12
        parts.append(
            f'<rect x="{right - wide:.1f}" y="{y + 6:.1f}" width="{wide:.1f}" height="16" rx="8" '
            f'fill="{fill}" stroke="{line}"/>'
        )
        parts.append(_text(right - wide / 2, y + 17.5, chip.text, 10, color, ' text-anchor="middle"'))
        right -= wide + 4
    return "".join([*parts, "</g>"])
