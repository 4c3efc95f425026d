"""What is drawn of a network: layers gathered into cards, cards into nested blocks.

A card is a layer with the norm and the activation behind it. Blocks follow the dots in the names; blocks of
one card and blocks that hold nearly everything around them are dissolved. Three or more equal blocks in a
row are one, marked with how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal, TypeAlias

from harkit.models._graph import Graph, Node

__all__ = ["Block", "Card", "Chip", "State", "gathered"]

State: TypeAlias = Literal["trainable", "frozen", "plain"]

# Fewer equal blocks in a row than this are all drawn.
_FEWEST_ALIKE = 3
# A block with this part of the cards around it is no block.
_NEARLY_ALL = 0.6
_NEARLY_ALL_OF_A_NETWORK = 0.8
# Letters of a label.
_LONGEST = 18
# Cards of a block at the top that has no blocks inside.
_LONG = 12


@dataclass(frozen=True)
class Chip:
    """What a card does beside its main layer."""

    text: str
    state: State


@dataclass(eq=False)
class Card:
    """Layers that are drawn as one: the name of the first, its title, the shape that leaves the last."""

    name: str
    title: str
    state: State
    shape: tuple[int, ...]
    chips: list[Chip] = field(default_factory=list)
    n_parameters: int = 0
    inputs: list[Card] = field(default_factory=list)
    # The name, without that of the block around it.
    label: str = ""

    @property
    def short_label(self) -> str:
        """The last parts of the label, those that fit a card."""
        parts = self.label.split(".")
        while len(".".join(parts)) > _LONGEST and len(parts) > 1:
            parts = parts[1:]
        return ".".join(parts)

    @property
    def looks(self) -> tuple[Any, ...]:
        """What makes two cards alike."""
        return self.title, self.state, self.shape, tuple(self.chips)


@dataclass(eq=False)
class Block:
    """Cards and blocks under one part of their names."""

    path: tuple[str, ...]
    children: list[Card | Block] = field(default_factory=list)
    label: str = ""
    count: int = 1

    def cards(self) -> Iterator[Card]:
        """All of them, however deep."""
        for child in self.children:
            if isinstance(child, Card):
                yield child
            else:
                yield from child.cards()


def gathered(
    graph: Graph,
    parameters: Sequence[tuple[str, Sequence[int], bool, bool]],
    shapes: Sequence[Sequence[int]],
) -> Block:
    """Return the network as one block."""
    sizes: dict[str, int] = {}
    for name, shape, learnt, _ in parameters:
        layer = name.rpartition(".")[0]
        sizes[layer] = sizes.get(layer, 0) + (math.prod(shape) if learnt else 0)
    root = Block(())
    for card in _cards(graph, sizes, shapes):
        _placed(root, card)
    _tidy(root, len(list(root.cards())))
    _label(root)
    stands_for: dict[Card, Card] = {}
    _fold(root, stands_for)
    for card in root.cards():
        card.inputs = list(dict.fromkeys(_drawn(source, stands_for) for source in card.inputs))
    return root


def _drawn(card: Card, stands_for: Mapping[Card, Card]) -> Card:
    while card in stands_for:
        card = stands_for[card]
    return card


def _cards(graph: Graph, sizes: Mapping[str, int], shapes: Sequence[Sequence[int]]) -> list[Card]:
    users: list[list[int]] = [[] for _ in graph.nodes]
    for position, node in enumerate(graph.nodes):
        for source in node.inputs:
            users[source].append(position)
    of_node: dict[int, Card] = {}
    for position, node in enumerate(graph.nodes):
        [*before] = node.inputs
        joins = before[0] if len(before) == 1 and users[before[0]] == [position] else None
        host = None if joins is None else of_node[joins]
        if host is not None and joins is not None and _follows(graph.nodes[joins], node):
            host.chips.append(Chip(_title(node, ()), _state(node, sizes)))
            host.n_parameters += sizes.get(node.name, 0)
            host.shape = tuple(shapes[position][1:])
            of_node[position] = host
        else:
            shape = tuple(shapes[position][1:])
            inputs = list(dict.fromkeys(of_node[source] for source in before))
            title = _title(node, shapes[before[0]][1:] if before else ())
            size = sizes.get(node.name, 0)
            of_node[position] = Card(node.name, title, _state(node, sizes), shape, [], size, inputs)
    return list(dict.fromkeys(of_node.values()))


def _follows(host: Node, node: Node) -> bool:
    """Whether a layer is drawn on the card of the one before it."""
    if node.kind == "batch_norm":
        return host.kind == "convolution"
    return node.kind == "activation" and host.kind in ("convolution", "linear", "batch_norm", "add")


def _state(node: Node, sizes: Mapping[str, int]) -> State:
    if not sizes.get(node.name):
        return "plain"
    return "frozen" if node.frozen else "trainable"


def _title(node: Node, given: Sequence[int]) -> str:
    """Write what a layer does, in few signs."""
    known = node.settings
    if node.kind in ("convolution", "pool"):
        return _window_title(node, given)
    if node.kind == "activation":
        return str(known["function"]).replace("_", " ")
    if node.kind == "linear":
        return f"linear {known['outputs']:,}"
    if node.kind == "lstm":
        return f"{'bidirectional ' if known['bidirectional'] else ''}LSTM {known['units']}"
    if node.kind == "dropout":
        return f"dropout {known['p']:g}"
    if node.kind == "batch_norm":
        return "norm"
    return node.kind.replace("_", " ")


def _window_title(node: Node, given: Sequence[int]) -> str:
    known = node.settings
    kernel = _sides(known["kernel"])
    stride = "" if set(known["stride"]) == {1} else f" / {_sides(known['stride'], short=True)}"
    dilation = "" if set(known["dilation"]) == {1} else f", dilated {_sides(known['dilation'], short=True)}"
    if node.kind == "pool":
        return f"{'max' if known['of'] == 'max' else 'average'} pool {kernel}{stride}"
    groups = known["groups"]
    separate = "depthwise" if groups == given[0] else f"conv in {groups} groups"
    what = "conv" if groups == 1 else separate
    return f"{what} {kernel}{stride}{dilation}"


def _sides(sides: Sequence[int], *, short: bool = False) -> str:
    return str(sides[0]) if short and len(set(sides)) == 1 else "×".join(map(str, sides))


def _placed(root: Block, card: Card) -> None:
    block = root
    for part in card.name.split(".")[:-1]:
        path = (*block.path, part)
        inside = [child for child in block.children if isinstance(child, Block) and child.path == path]
        if inside:
            block = inside[0]
        else:
            # A number says nothing without the name before it.
            made = Block(path, label=".".join(path[-2:] if part.isdigit() else path[-1:]))
            block.children.append(made)
            block = made
    block.children.append(card)


def _tidy(root: Block, n_cards: int) -> None:
    """Dissolve blocks that show nothing: at the top those of nearly all, and long ones without blocks."""

    def dissolved(child: Card | Block) -> list[Card | Block]:
        if isinstance(child, Card):
            return [child]
        inside = len(list(child.cards()))
        flat = all(isinstance(part, Card) for part in child.children)
        if inside >= _NEARLY_ALL_OF_A_NETWORK * n_cards or (flat and inside > _LONG):
            return [part for inner in child.children for part in dissolved(inner)]
        _tidy_inside(child, inside)
        return child.children if inside == 1 else [child]

    root.children = [part for child in root.children for part in dissolved(child)]


def _tidy_inside(block: Block, n_cards: int) -> None:
    children: list[Card | Block] = []
    for child in block.children:
        if isinstance(child, Card):
            children.append(child)
            continue
        inside = len(list(child.cards()))
        _tidy_inside(child, inside)
        children.extend(child.children if inside == 1 or inside >= _NEARLY_ALL * n_cards else [child])
    block.children = children


def _label(block: Block) -> None:
    around = "".join(f"{part}." for part in block.path)
    for child in block.children:
        if isinstance(child, Block):
            _label(child)
        elif child.inputs:  # the input's title is its name
            child.label = child.name.removeprefix(around)


def _fold(block: Block, stands_for: dict[Card, Card]) -> None:
    """Draw equal blocks in a row once; the first stands for the others."""
    for child in block.children:
        if isinstance(child, Block):
            _fold(child, stands_for)
    children: list[Card | Block] = []
    for _, found in groupby(block.children, key=_alike):
        run = list(found)
        blocks = [child for child in run if isinstance(child, Block)]
        if len(blocks) < _FEWEST_ALIKE:
            children.extend(run)
            continue
        first = blocks[0]
        first.label, first.count = f"{first.label} … {blocks[-1].path[-1]}", len(blocks)
        children.append(first)
        for other in blocks[1:]:
            stands_for.update(zip(other.cards(), first.cards(), strict=True))
    block.children = children


def _alike(child: Card | Block) -> Any:
    """Equal for blocks of equal cards, joined alike."""
    if isinstance(child, Card):
        return id(child)
    cards = list(child.cards())
    places = {card: place for place, card in enumerate(cards)}
    return tuple((card.looks, tuple(places.get(source, -1) for source in card.inputs)) for card in cards)
