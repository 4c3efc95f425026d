"""What all commands have in common: errors, Ctrl-C, ``--debug``, progress, FFmpeg's messages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from tqdm import tqdm

import harkit
from harkit.errors import HarkitError

# What shells give for a program that Ctrl-C ended: 128 and the number of the signal.
INTERRUPTED = 130
FAILED = 2


class Commands(click.Group):
    """The program ``harkit``: commands whose errors are one line."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, context_settings={"help_option_names": ["-h", "--help"]}, **settings)
        click.version_option(harkit.__version__, prog_name="harkit")(self)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, which gets ``--debug``."""
        debug = "On an error show where it comes from; show FFmpeg's messages."
        cmd.params.append(
            click.Option(
                ["--debug"], is_flag=True, is_eager=True, expose_value=False, callback=_debug, help=debug
            )
        )
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except HarkitError as error:
            if ctx.meta.get(_DEBUG):
                raise
            click.echo(f"harkit: {error}", err=True)
            ctx.exit(FAILED)


_DEBUG = "harkit.debug"


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 (click calls it so)
    if value:
        ctx.meta[_DEBUG] = True
        logging.basicConfig(format="%(name)s: %(message)s")


@contextmanager
def bar(total: int, unit: str) -> Iterator[Callable[[int], object]]:
    """Draw a bar on a terminal, and nothing elsewhere; gives what is told the number of finished items."""
    with tqdm(total=total, unit=unit, disable=None, leave=False) as drawn:
        yield lambda done: drawn.update(done - drawn.n)


@contextmanager
def complaints() -> Iterator[None]:
    """Say in one line at the end what FFmpeg complained of meanwhile."""
    kept = _Keeper()
    logger = logging.getLogger("harkit.ffmpeg")
    logger.addHandler(kept)
    try:
        yield
    finally:
        logger.removeHandler(kept)
        if kept.messages and not click.get_current_context().meta.get(_DEBUG):
            more = f" (and {len(kept.messages) - 1} more, see --debug)" if len(kept.messages) > 1 else ""
            click.echo(f"harkit: warning: {kept.messages[0]}{more}", err=True)


class _Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
