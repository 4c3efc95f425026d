"""``harkit enhance``: a dark video made readable, as a new video."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import click
import numpy as np
from numpy.typing import NDArray

from harkit import VideoReader, write_clip
from harkit import enhancement as en
from harkit.cli._group import bar, complaints
from harkit.cli._output import check_new_file, overwrite

__all__ = ["enhance"]

# Frames enhanced at once, beside those that a step looks back and ahead to.
_PIECE = 32
_STEPS = "harkit.enhancement"

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _step(*names: str, **settings: Any) -> Callable[[_Function], _Function]:
    """Make an option that is a step: steps are done in the order in which they stand on the command line."""

    def note(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:
            ctx.meta.setdefault(_STEPS, []).append((parameter.name, value))

    return click.option(*names, expose_value=False, callback=note, **settings)


@click.command(short_help="Make a dark video readable.")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@_step("--gamma", type=float, metavar="G", help="I ** (1 / G): above 1 brightens.")
@_step("--auto-gamma", is_flag=True, help="The gamma that sends the mean to the middle.")
@_step("--log", is_flag=True, help="A logarithm of all values.")
@_step(
    "--equalize",
    type=click.Choice(["keras_cv", "pil", "opencv"]),
    help="Histogram equalisation, by the rule of one of three libraries.",
)
@_step("--clahe", type=float, metavar="LIMIT", help="Equalisation by tiles, contrast limited; 2 is usual.")
@_step("--retinex", is_flag=True, help="Each value against its surroundings.")
@_step("--lime", is_flag=True, help="The illumination estimated and divided out.")
@_step("--denoise", is_flag=True, help="Noise taken out over space and time.")
@click.option("--per", type=click.Choice(["frame", "clip"]), help="What shares one set of statistics.")
@click.option(
    "--channels", type=click.Choice(["each", "luma"]), help="Of --equalize: each channel, or luma alone."
)
@click.option("--grid", type=(int, int), metavar="ROWS COLUMNS", help="Of --clahe: tiles.")
@click.option("--sigma", type=float, help="Of --denoise: the noise, in grey levels; estimated by default.")
@click.option(
    "--codec",
    type=click.Choice(["vp9", "ffv1"]),
    default="vp9",
    show_default=True,
    help="ffv1 keeps every byte.",
)
@click.option(
    "--quality", type=click.IntRange(0, 63), default=24, show_default=True, help="Of vp9; 0 is best."
)
@click.option("--fps", type=float, help="Frames a second of OUT; by default those of IN.")
@overwrite
def enhance(
    *,
    source: str,
    target: str,
    per: str | None,
    channels: str | None,
    grid: tuple[int, int] | None,
    sigma: float | None,
    codec: Any,
    quality: int,
    fps: float | None,
    overwrite: bool,
) -> None:
    """Enhance the frames of the video IN and write them to the video OUT.

    Steps are done in the order in which they are given: --gamma 3 --denoise brightens first. OUT is .mp4,
    .webm or .mkv (vp9), or .mkv or .avi (ffv1); it has no sound. A step with one set of statistics for the
    whole clip (--per clip; --denoise without --sigma) holds all frames in memory, others a few dozen.
    """
    steps = _steps({"per": per, "channels": channels, "grid": grid, "sigma": sigma})
    check_new_file(target, source, may_replace=overwrite)
    with complaints(), VideoReader(source) as video:
        reach = _reach(steps)
        clips = iter([en.chain(video[:], steps)]) if reach is None else _pieces(iter(video), steps, reach)
        rate = video.info.fps if fps is None else fps
        with bar(len(video), "frame") as tell:
            write_clip(target, clips, fps=rate, codec=codec, quality=quality, progress=tell)
        click.echo(f"{len(video)} frames in {target}")


def _steps(settings: dict[str, Any]) -> list[en.Enhancement]:
    """Make the option objects of the steps that were given; settings that no step takes are refused."""
    given = click.get_current_context().meta.get(_STEPS, [])
    if not given:
        raise click.UsageError("Give at least one step, such as --gamma 3.")
    chosen = {name: value for name, value in settings.items() if value is not None}
    unused = set(chosen)
    steps = []
    for name, value in given:
        kind, own = _kind(name, value)
        taken = {key: chosen[key] for key in kind.__dataclass_fields__ if key in chosen}
        unused -= set(taken)
        steps.append(kind(**own, **taken))
    if unused:
        raise click.UsageError(f"--{sorted(unused)[0]} belongs to none of the steps that are given.")
    return steps


def _kind(name: str, value: Any) -> tuple[Any, dict[str, Any]]:
    """Give the option object of a step, and what its own value says."""
    valued: dict[str, tuple[Any, str]] = {
        "gamma": (en.Gamma, "gamma"),
        "equalize": (en.Equalize, "convention"),
        "clahe": (en.Clahe, "clip_limit"),
    }
    if name in valued:
        kind, field = valued[name]
        return kind, {field: value}
    flags: dict[str, Any] = {
        "auto_gamma": en.AutoGamma,
        "log": en.Log,
        "retinex": en.Retinex,
        "lime": en.Lime,
        "denoise": en.Denoise,
    }
    return flags[name], {}


def _reach(steps: Sequence[en.Enhancement]) -> int | None:
    """How many frames before and after one decide about it; None if all frames do."""
    reach = 0
    for step in steps:
        is_known = isinstance(step, en.Denoise) and step.sigma is not None
        if getattr(step, "per", "frame") == "clip" and not is_known:
            return None
        reach += step.frames if isinstance(step, en.Denoise) else 0
    return reach


def _pieces(
    frames: Iterator[NDArray[np.uint8]], steps: Sequence[en.Enhancement], reach: int
) -> Iterator[NDArray[np.uint8]]:
    """Give the enhanced video piece by piece, as it would be in one: each piece sees its neighbours."""
    window = list(islice(frames, _PIECE + reach))
    before = 0  # frames at the head of the window that have been given, and are looked back to
    while len(window) > before:
        given = before + _PIECE
        yield en.chain(np.stack(window), steps)[before:given]
        begin = max(0, given - reach)
        window = window[begin:] + list(islice(frames, _PIECE))
        before = given - begin
