"""Where cards and blocks stand: each block by itself, in layers from top to bottom, the whole in columns.

Inside a block the longest path runs straight down the middle; what runs beside it stands to the right, and
an edge that passes layers has a lane of its own there. Where branches are concatenated they stand side by
side. At the top, layers are broken into columns so that the picture is not much higher than wide. Positions
are pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from harkit.models._cards import Block, Card

__all__ = ["Box", "Layout", "Point", "laid_out"]

_CARD_HEIGHT = 44.0
# Of a letter of a title, of the small print, and of a chip and around its text; what a card has at least.
_TITLE, _SMALL, _CHIP, _NARROWEST = 8.3, 6.0, (5.8, 16.0), 180.0
# Between layers, beside each other, and around the children of a block.
_LAYER_GAP, _SIDE_GAP, _LANE = 22.0, 18.0, 16.0
_PADDING, _HEADING = 12.0, 24.0
_COLUMN_GAP = 56.0
# Width to height of a picture that pleases.
_ASPECT = 1.5

Point: TypeAlias = tuple[float, float]
Child: TypeAlias = "Card | Block"


@dataclass(eq=False)
class Box:
    """A rectangle: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(eq=False)
class Layout:
    """Boxes of cards and blocks, and the points that each edge runs through."""

    boxes: dict[Child, Box] = field(default_factory=dict)
    edges: list[list[Point]] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


@dataclass(eq=False)
class _Part:
    """A card, or a block laid out by itself: its middle is x = 0, its top y = 0."""

    left: float
    right: float
    height: float
    # Of the children: where their middle and top are.
    places: dict[Child, Point] = field(default_factory=dict)
    # (source, target) at this level, None for the outside; the lane's x, from and to which y.
    lanes: dict[tuple[Child | None, Child | None], tuple[float, float, float]] = field(default_factory=dict)
    # Of the whole: left of the column that a child is in, where an edge from another column comes up.
    gutters: dict[Child, float] = field(default_factory=dict)


def laid_out(root: Block) -> Layout:
    """Place everything."""
    reach = max(map(_width, root.cards())) / 2
    parts: dict[Child, _Part] = {card: _Part(reach, reach, _CARD_HEIGHT) for card in root.cards()}
    _measure(root, root, parts)
    layout = Layout()
    _put(root, parts, (0.0, 0.0), layout)
    layout.boxes.pop(root)
    _Router(root, parts, layout).run()
    return layout


def _width(card: Card) -> float:
    """Return what the texts of a card need; all cards of a picture are as wide as the widest."""
    chips = sum(_CHIP[0] * len(chip.text) + _CHIP[1] for chip in card.chips)
    shape = " × ".join(map(str, card.shape))
    return max(
        _NARROWEST, 24 + _TITLE * len(card.title) + chips, 30 + _SMALL * (len(card.short_label) + len(shape))
    )


def _owner(root: Block) -> dict[Card, list[Block]]:
    """Return the blocks around each card, from the root inwards."""
    found: dict[Card, list[Block]] = {}

    def walk(block: Block, around: list[Block]) -> None:
        for child in block.children:
            if isinstance(child, Card):
                found[child] = [*around, block]
            else:
                walk(child, [*around, block])

    walk(root, [])
    return found


def _edges_of(block: Block, root: Block) -> list[tuple[Child | None, Child | None]]:
    """Edges between the children of a block; None stands for the outside."""
    home: dict[Card, Child] = {}
    for child in block.children:
        for card in [child] if isinstance(child, Card) else child.cards():
            home[card] = child
    pairs: dict[tuple[Child | None, Child | None], None] = {}
    for card in root.cards():
        for source in card.inputs:
            pair = (home.get(source), home.get(card))
            if pair != (None, None) and pair[0] is not pair[1]:
                pairs[pair] = None
    return list(pairs)


def _measure(block: Block, root: Block, parts: dict[Child, _Part]) -> None:
    for child in block.children:
        if isinstance(child, Block):
            _measure(child, root, parts)
    edges = _edges_of(block, root)
    layers = _layers(block, edges)
    parts[block] = (
        _columns(block, edges, layers, parts) if block is root else _stacked(block, edges, layers, parts)
    )


def _layers(block: Block, edges: Sequence[tuple[Child | None, Child | None]]) -> dict[Child, int]:
    """Put each child one layer below the lowest that feeds it; they stand in the order of computing."""
    layer: dict[Child, int] = {}
    for child in block.children:
        before = [layer[source] for source, target in edges if target is child and source in layer]
        layer[child] = max(before, default=-1) + 1
    return layer


def _extent(child: Child, parts: dict[Child, _Part]) -> tuple[float, float, float]:
    """Return how far a child reaches to the left and the right of its middle, and its height."""
    part = parts[child]
    return part.left, part.right, part.height


def _spine(block: Block, edges: Sequence[tuple[Child | None, Child | None]]) -> set[Child]:
    """Return the children on the longest path; of equals the first."""
    longest: dict[Child, list[Child]] = {}
    for child in block.children:
        before = [longest[source] for source, target in edges if target is child and source in longest]
        longest[child] = [*_longest(before), child]
    return set(_longest(longest.values()))


def _longest(paths: Iterable[list[Child]]) -> list[Child]:
    return max(paths, key=lambda path: len(path), default=[])


def _stacked(
    block: Block,
    edges: Sequence[tuple[Child | None, Child | None]],
    layer: dict[Child, int],
    parts: dict[Child, _Part],
) -> _Part:
    """Lay out a block in one column of layers."""
    n_layers = max(layer.values()) + 1
    rows = [[child for child in block.children if layer[child] == i] for i in range(n_layers)]
    side_by_side = any(isinstance(child, Card) and child.title == "concatenate" for child in block.children)
    spine = _spine(block, edges)
    places: dict[Child, Point] = {}
    reach = []  # of each layer, to the left and the right
    tops, bottoms = [], []
    y = _HEADING + 6
    for row in rows:
        ordered = row if side_by_side else sorted(row, key=lambda child: child not in spine)
        extents = [_extent(child, parts) for child in ordered]
        if side_by_side:
            whole = sum(left + right for left, right, _ in extents) + _SIDE_GAP * (len(row) - 1)
            x = -whole / 2 + extents[0][0]
        else:
            x = 0.0
        height = max(extent[2] for extent in extents)
        start = x - extents[0][0]
        for i, child in enumerate(ordered):
            places[child] = (x, y)
            end = x + extents[i][1]
            if i + 1 < len(ordered):
                x = end + _SIDE_GAP + extents[i + 1][0]
        reach.append((-start, end))
        tops.append(y)
        bottoms.append(y + height)
        y += height + _LAYER_GAP
    lanes, right = _lanes(edges, layer, reach, tops, bottoms)
    left = max(reached[0] for reached in reach) + _PADDING
    right = max(right, *(reached[1] for reached in reach)) + _PADDING
    return _Part(left, right, bottoms[-1] + _PADDING + 4, places, lanes)


def _lanes(
    edges: Sequence[tuple[Child | None, Child | None]],
    layer: dict[Child, int],
    reach: Sequence[tuple[float, float]],
    tops: Sequence[float],
    bottoms: Sequence[float],
) -> tuple[dict[tuple[Child | None, Child | None], tuple[float, float, float]], float]:
    """Give each edge that passes layers a lane right of them; and tell how far the last one is."""
    lanes: dict[tuple[Child | None, Child | None], tuple[float, float, float]] = {}
    taken: list[tuple[int, int, float]] = []
    furthest = 0.0
    spans = []
    for pair in edges:
        first = -1 if pair[0] is None else layer[pair[0]]
        last = len(tops) if pair[1] is None else layer[pair[1]]
        if last - first > 1:
            spans.append((first + 1, last - 1, pair))
    for first, last, pair in sorted(spans, key=lambda span: span[1] - span[0]):
        x = max(reach[i][1] for i in range(first, last + 1)) + _LANE
        for start, stop, at in taken:
            if start <= last and first <= stop:
                x = max(x, at + _LANE)
        taken.append((first, last, x))
        lanes[pair] = (x, tops[first], bottoms[last])
        furthest = max(furthest, x)
    return lanes, furthest


def _columns(
    root: Block,
    edges: Sequence[tuple[Child | None, Child | None]],
    layer: dict[Child, int],
    parts: dict[Child, _Part],
) -> _Part:
    """Lay out the top: as few columns as make a picture that is not too high."""
    runs = _runs(root, edges, layer)
    stacks = [
        _stacked(
            Block((), run), [(a, b) for a, b in edges if a in run and b in run], _down(run, layer), parts
        )
        for run in runs
    ]
    heights = [stack.height for stack in stacks]
    widths = [stack.left + stack.right for stack in stacks]
    best: list[list[int]] = [list(range(len(runs)))]
    closest = float("inf")
    for n in range(1, len(runs) + 1):
        columns = _broken(heights, n)
        width = sum(max(widths[i] for i in column) for column in columns) + _COLUMN_GAP * (len(columns) - 1)
        height = max(sum(heights[i] for i in column) for column in columns)
        off = (
            abs(width / height - _ASPECT) if width < _ASPECT * height else 1.5 * abs(width / height - _ASPECT)
        )
        if off < closest:
            best, closest = columns, off
    part = _Part(0.0, 0.0, 0.0)
    x = 0.0
    for column in best:
        left = max(stacks[i].left for i in column)
        y = 0.0
        for i in column:
            for child, (across, down) in stacks[i].places.items():
                part.gutters[child] = x - _COLUMN_GAP / 2
                part.places[child] = (x + left + across, y + down - _HEADING)
            for pair, (across, start, stop) in stacks[i].lanes.items():
                part.lanes[pair] = (x + left + across, y + start - _HEADING, y + stop - _HEADING)
            y += heights[i] - _HEADING - _PADDING + _LAYER_GAP - 10
        x += left + max(stacks[i].right for i in column) + _COLUMN_GAP
        part.height = max(part.height, y)
    part.right = x - _COLUMN_GAP
    return part


def _down(run: Sequence[Child], layer: dict[Child, int]) -> dict[Child, int]:
    first = min(layer[child] for child in run)
    return {child: layer[child] - first for child in run}


def _runs(
    root: Block, edges: Sequence[tuple[Child | None, Child | None]], layer: dict[Child, int]
) -> list[list[Child]]:
    """Children that must stay in one column: where an edge passes a layer, from its source to its target."""
    n_layers = max(layer.values()) + 1
    torn = {
        i
        for source, target in edges
        if source is not None and target is not None
        for i in range(layer[source] + 1, layer[target])
    }
    runs: list[list[Child]] = []
    for i in range(n_layers):
        row = [child for child in root.children if layer[child] == i]
        held = i in torn or (i - 1) in torn or (runs and len(row) > 1)
        if runs and held:
            runs[-1].extend(row)
        else:
            runs.append(row)
    return runs


def _broken(heights: Sequence[float], n: int) -> list[list[int]]:
    """Break a row of heights into at most n columns in order, the highest as low as can be."""
    low, high = max(heights), sum(heights)
    while high - low > 1:
        middle = (low + high) / 2
        if len(_filled(heights, middle)) <= n:
            high = middle
        else:
            low = middle
    return _filled(heights, high)


def _filled(heights: Sequence[float], most: float) -> list[list[int]]:
    columns: list[list[int]] = [[]]
    filled = 0.0
    for i, height in enumerate(heights):
        if columns[-1] and filled + height > most + 1e-6:
            columns.append([])
            filled = 0.0
        columns[-1].append(i)
        filled += height
    return columns


def _put(child: Child, parts: dict[Child, _Part], origin: Point, layout: Layout) -> None:
    """Write down absolute positions; `origin` is the child's middle and top."""
    part = parts[child]
    layout.boxes[child] = Box(origin[0] - part.left, origin[1], part.left + part.right, part.height)
    layout.width = max(layout.width, origin[0] + part.right)
    layout.height = max(layout.height, origin[1] + part.height)
    for inside, (x, y) in part.places.items():
        _put(inside, parts, (origin[0] + x, origin[1] + y), layout)


class _Router:
    """Runs each edge from card to card, through the lanes of the blocks that it crosses."""

    def __init__(self, root: Block, parts: dict[Child, _Part], layout: Layout) -> None:
        self.root, self.parts, self.layout = root, parts, layout
        self.around = _owner(root)

    def run(self) -> None:
        for card in self.root.cards():
            for source in card.inputs:
                self.layout.edges.append(self._route(source, card))

    def _route(self, source: Card, target: Card) -> list[Point]:
        out, into = self.around[source], self.around[target]
        shared = sum(1 for a, b in zip(out, into, strict=False) if a is b)
        points = [self._bottom(source)]
        # Out of the source's own blocks, from the inside.
        inner: Child = source
        for block in reversed(out[shared:]):
            points += self._lane(block, inner, None)
            # A card aside of the middle keeps its line.
            points.append((points[-1][0], self.layout.boxes[block].y + self.layout.boxes[block].height))
            inner = block
        common = out[shared - 1]
        outer: Child = target if shared == len(into) else into[shared]
        points += self._lane(common, inner, outer)
        if common is self.root and self.layout.boxes[outer].y < points[-1][1]:
            points += self._hop(points[-1], outer)
        for i in range(shared, len(into)):
            block = into[i]
            points.append((self._middle(block), self.layout.boxes[block].y))
            inside: Child = target if i + 1 == len(into) else into[i + 1]
            points += self._lane(block, None, inside)
        points.append(self._top(target))
        return points

    def _hop(self, foot: Point, outer: Child) -> list[Point]:
        """From the foot of a column between the two to the head of the next."""
        box, gutter = self.layout.boxes[outer], self.parts[self.root].gutters[outer]
        middle = self._middle(outer)
        low, high = foot[1] + _LAYER_GAP / 2, box.y - _LAYER_GAP / 2
        return [(foot[0], low), (gutter, low), (gutter, high), (middle, high)]

    def _lane(self, block: Block, source: Child | None, target: Child | None) -> list[Point]:
        part = self.parts[block]
        lane = part.lanes.get((source, target))
        if lane is None:
            return []
        box = self.layout.boxes.get(block)
        x, y = (box.x + part.left, box.y) if box is not None else (0.0, 0.0)
        return [(x + lane[0], y + lane[1]), (x + lane[0], y + lane[2])]

    def _middle(self, child: Child) -> float:
        return self.layout.boxes[child].x + self.parts[child].left

    def _bottom(self, card: Card) -> Point:
        return self._middle(card), self.layout.boxes[card].y + self.layout.boxes[card].height

    def _top(self, card: Card) -> Point:
        return self._middle(card), self.layout.boxes[card].y
