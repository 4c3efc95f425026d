"""The table of a network: stages, shapes, parameters, multiply-adds."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from harkit.models._graph import Graph

__all__ = ["Summary", "SummaryRow", "summarised"]

_HEAD = ("stage", "output", "parameters", "trainable", "multiply-adds")


@dataclass(frozen=True)
class SummaryRow:
    """A stage: the layers since the one before.

    Attributes
    ----------
    stage : str
        Its name; several where a node has several.
    shape : tuple of int
        Of its output for one item, without the batch.
    n_parameters, n_trainable : int
        Values that can be learnt, and those that are not frozen; running statistics are neither.
    multiply_adds : int
        For one item. Products with parameters are counted, and attention's.
    """

    stage: str
    shape: tuple[int, ...]
    n_parameters: int
    n_trainable: int
    multiply_adds: int


@dataclass(frozen=True, repr=False)
class Summary:
    """What :meth:`Model.summary` gives: prints as a table, in a notebook too.

    Attributes
    ----------
    title : str
        The model, and where its values come from.
    input_shape : tuple of int
        Of one item.
    rows : tuple of SummaryRow
        From the input to the output.
    """

    title: str
    input_shape: tuple[int, ...]
    rows: tuple[SummaryRow, ...]

    @property
    def n_parameters(self) -> int:
        """Values that can be learnt."""
        return sum(row.n_parameters for row in self.rows)

    @property
    def n_trainable(self) -> int:
        """Those of them that are not frozen."""
        return sum(row.n_trainable for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """For one item."""
        return sum(row.multiply_adds for row in self.rows)

    def __repr__(self) -> str:
        cells = [_HEAD, *self._cells()]
        widths = [max(len(row[i]) for row in cells) for i in range(len(_HEAD))]
        lines = [
            "  ".join(
                cell.ljust(w) if i < 2 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([self._caption(), "", lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def _repr_html_(self) -> str:
        def row(cells: Sequence[str], tag: str) -> str:
            style = ("left", "left", "right", "right", "right")
            parts = zip(cells, style, strict=True)
            return (
                "<tr>"
                + "".join(f'<{tag} style="text-align:{s}">{html.escape(c)}</{tag}>' for c, s in parts)
                + "</tr>"
            )

        *body, total = self._cells()
        rows = "".join(row(cells, "td") for cells in body)
        caption = f"<caption>{html.escape(self._caption())}</caption>"
        head = f"<thead>{row(_HEAD, 'th')}</thead>"
        return f"<table>{caption}{head}<tbody>{rows}</tbody><tfoot>{row(total, 'th')}</tfoot></table>"

    def _caption(self) -> str:
        return f"{self.title}, for one item of {by(self.input_shape)}"

    def _cells(self) -> list[tuple[str, ...]]:
        rows = [
            (
                row.stage,
                by(row.shape),
                f"{row.n_parameters:,}",
                f"{row.n_trainable:,}",
                short(row.multiply_adds),
            )
            for row in self.rows
        ]
        return [
            *rows,
            ("total", "", f"{self.n_parameters:,}", f"{self.n_trainable:,}", short(self.multiply_adds)),
        ]


def summarised(
    graph: Graph,
    parameters: Sequence[tuple[str, Sequence[int], bool, bool]],
    shapes: Sequence[Sequence[int]],
    multiply_adds: Sequence[int],
    title: str,
) -> Summary:
    """Gather the nodes of each stage; shapes are those of a batch of one."""
    counted = {node.name: [0, 0] for node in graph.nodes}
    for name, shape, learnt, trainable in parameters:
        size = math.prod(shape)
        counts = counted[name.rpartition(".")[0]]
        counts[0] += size if learnt else 0
        counts[1] += size if trainable else 0
    rows, first = [], 1
    for last in sorted({node for _, node in graph.stages}):
        names = ", ".join(name for name, node in graph.stages if node == last)
        nodes = range(first, last + 1)
        n_parameters, n_trainable = (sum(counted[graph.nodes[i].name][k] for i in nodes) for k in (0, 1))
        work = sum(multiply_adds[i] for i in nodes)
        rows.append(SummaryRow(names, tuple(shapes[last][1:]), n_parameters, n_trainable, work))
        first = last + 1
    return Summary(title, tuple(shapes[0][1:]), tuple(rows))


def by(shape: Sequence[int]) -> str:
    """Write a shape as a reader would: 64 x 56 x 56."""
    return " x ".join(map(str, shape))


def short(count: int) -> str:
    """Write a large number with three figures: 1.81 G."""
    value = float(count)
    for unit in ("", " k", " M", " G"):
        if value < 999.5:
            return f"{value:.3g}{unit}" if value >= 0.5 else "0"
        value /= 1000
    return f"{value:,.3g} T"
