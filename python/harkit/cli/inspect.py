"""``harkit inspect``: checks files, one row each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from harkit import Inspection, datasets, inspect_videos
from harkit.cli._group import bar
from harkit.cli._table import table
from harkit.errors import DecodeError

__all__ = ["inspect"]

_HEADS = ("", "file", "frames", "header", "size", "fps", "codec", "pixels", "colours", "remarks")
_NUMBERS = ("frames", "header", "size", "fps")


@click.command(short_help="Check video files, one row each.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER...")
@click.option("--quick", is_flag=True, help="Do not decode: finds no damaged frames.")
@click.option("--broken", "only_broken", is_flag=True, help="Show broken files only.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list in place of the table.")
def inspect(*, paths: tuple[str, ...], quick: bool, only_broken: bool, as_json: bool) -> None:
    """Check video files, and all in a folder, one row each.

    A row has the frames that there are and the number in the header, size, rate and format, the colours
    (matrix and range, as tagged), and remarks. Marked "!" and named broken are files that do not open, end
    too early or hold damaged frames. Marked "?" are oddities that harkit takes care of and other programs
    may not: a wrong header, a variable rate, times that are missing or late, a rotation, oblong pixels,
    interlacing.

    Exit code 1 if a file is broken.
    """
    videos = _find(paths)
    with bar(len(videos), "video") as tell:
        found = inspect_videos(videos, decode=not quick, progress=tell)
    shown = [one for one in found if one.is_broken] if only_broken else found
    if as_json:
        click.echo(json.dumps([_as_json(one) for one in shown], indent=1))
    else:
        if shown:
            click.echo(table(_HEADS, [_row(one) for one in shown], right=_NUMBERS))
        click.echo(_summary(found))
    click.get_current_context().exit(1 if any(one.is_broken for one in found) else 0)


def _find(paths: Iterable[str]) -> list[str]:
    """Give the files, and for each folder the videos below it, or itself if it holds frame images."""
    videos: list[str] = []
    for path in paths:
        below = datasets.video_files(path) if Path(path).is_dir() else []
        if Path(path).is_dir() and not below and not datasets.frame_files(path):
            raise DecodeError(f"{path}: there are no videos in this folder", path=path)
        videos.extend(below or [path])
    return videos


def _row(one: Inspection) -> tuple[object, ...]:
    remarks = "; ".join([*(f"broken: {fault}" for fault in one.faults), *one.oddities])
    mark = "!" if one.is_broken else "?" if one.oddities else ""
    info = one.info
    if info is None:
        return (mark, one.path, *["-"] * 7, remarks)
    header = "-" if info.header_frames is None else info.header_frames
    size, fps = f"{info.width}x{info.height}", f"{info.fps:.4g}"
    return (
        mark,
        one.path,
        info.n_frames,
        header,
        size,
        fps,
        info.codec,
        info.pixel_format,
        _colors(one),
        remarks,
    )


def _colors(one: Inspection) -> str:
    tags = [] if one.info is None else [one.info.color_space, one.info.color_range]
    return " ".join(tag for tag in tags if tag != "unspecified") or "-"


def _summary(found: list[Inspection]) -> str:
    broken = sum(one.is_broken for one in found)
    odd = sum(bool(one.oddities) and not one.is_broken for one in found)
    return f"{len(found)} {'file' if len(found) == 1 else 'files'}: {broken} broken, {odd} odd"


def _as_json(one: Inspection) -> dict[str, Any]:
    return {
        "path": one.path,
        "is_broken": one.is_broken,
        "faults": one.faults,
        "oddities": one.oddities,
        "damaged_spans": one.damaged_spans,
        "has_times": one.has_times,
        "steps": one.steps,
        "info": None if one.info is None else asdict(one.info),
    }
