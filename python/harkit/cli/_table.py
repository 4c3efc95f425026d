"""Tables as text: columns as wide as their widest entry, numbers at the right."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["table"]


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> str:
    """Lay out rows under heads; the columns named in `right` are aligned there."""
    texts = [[str(entry) for entry in row] for row in [heads, *rows]]
    widths = [max(len(row[i]) for row in texts) for i in range(len(heads))]
    aligned = [">" if head in right else "<" for head in heads]
    lines = (
        "  ".join(f"{text:{side}{width}}" for text, side, width in zip(row, aligned, widths, strict=True))
        for row in texts
    )
    return "\n".join(line.rstrip() for line in lines)
