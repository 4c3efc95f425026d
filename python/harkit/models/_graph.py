"""A network's graph, as its JSON says: nodes, what feeds them, stages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Graph", "Node"]


@dataclass(frozen=True)
class Node:
    """A layer: its name, kind and settings, and the positions of the nodes that feed it."""

    name: str
    kind: str
    inputs: tuple[int, ...]
    frozen: bool
    settings: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which they can be computed; stages are (name, node), in that order too."""

    name: str
    nodes: tuple[Node, ...]
    stages: tuple[tuple[str, int], ...]
    classifier: str | None

    @classmethod
    def of(cls, architecture: str) -> Graph:
        """Read the JSON that `_core.Network.architecture` is."""
        found = json.loads(architecture)
        stages = tuple((stage["name"], stage["node"]) for stage in found["stages"])
        return cls(found["name"], tuple(map(_node, found["nodes"])), stages, found["classifier"])

    @property
    def stage_names(self) -> list[str]:
        """The stages, from the input to the output."""
        return [name for name, _ in self.stages]


def _node(found: dict[str, Any]) -> Node:
    settings = {key: value for key, value in found.items() if key not in ("name", "kind", "from", "frozen")}
    return Node(found["name"], found["kind"], tuple(found["from"]), found["frozen"], settings)
