"""``harkit doctor``: checks the installation, in text to paste into a bug report."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

import harkit
from harkit import _core

__all__ = ["doctor"]

# Package on the index -> what harkit uses it for.
_EXTRAS = {"matplotlib": "figures"}
_VARIABLES = ("HARKIT_DATA", "HARKIT_WEIGHTS")
# PSNR that a smooth clip keeps at the default quality of VP9, with room.
_DECIBELS = 35.0


@click.command(short_help="Check the installation.")
def doctor() -> None:
    """Check the installation: versions, codecs, threads, and whether a tiny clip can be written and read.

    Prints text to paste into a bug report; it names no folders of yours. Exit code 1 if a check fails.
    """
    for name, text in _facts():
        click.echo(f"{name:<12}{text}")
    click.echo("checks")
    failed = 0
    for name, check in _CHECKS.items():
        try:
            outcome = check()
        except Exception as error:  # a check that fails must not hide the others
            failed += 1
            click.echo(f"  FAILED  {name}: {type(error).__name__}: {error}")
        else:
            click.echo(f"  ok      {name}: {outcome}")
    click.echo(f"{failed} of {len(_CHECKS)} checks failed" if failed else "all is well")
    click.get_current_context().exit(1 if failed else 0)


def _facts() -> list[tuple[str, str]]:
    build = harkit.ffmpeg_build()
    variables = ", ".join(f"{name} is {'set' if os.environ.get(name) else 'not set'}" for name in _VARIABLES)
    return [
        ("harkit", harkit.__version__),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}, {_libc()}"),
        ("NumPy", np.__version__),
        ("FFmpeg", f"{build.version} inside, {build.license}"),
        ("  built", _wrapped(" ".join(_without_paths(build.configuration)))),
        ("  decodes", _wrapped(", ".join(build.decoders))),
        ("  encodes", _wrapped(", ".join(build.encoders))),
        ("threads", f"{harkit.num_threads()}, of {os.cpu_count()} processors"),
        ("networks", _core.network_kernels()),
        ("variables", variables),
        ("extras", ", ".join(_extra(name, use) for name, use in _EXTRAS.items())),
    ]


def _libc() -> str:
    return " ".join(platform.libc_ver()).strip() or "no glibc"


def _without_paths(configuration: str) -> list[str]:
    """Leave out where FFmpeg was built, and what the lists of codecs say already."""
    listed = ("--enable-decoder", "--enable-encoder", "--enable-demuxer", "--enable-muxer", "--enable-parser")
    return [
        option
        for option in configuration.split()
        if "/" not in option and not option.startswith((*listed, "--enable-bsf"))
    ]


def _wrapped(text: str) -> str:
    lines = textwrap.wrap(text, 86, break_long_words=False, break_on_hyphens=False)
    return f"\n{'':12}".join(lines)


def _extra(name: str, use: str) -> str:
    try:
        return f"{name} {importlib.metadata.version(name)} ({use})"
    except importlib.metadata.PackageNotFoundError:
        return f"no {name} ({use})"


def _clip() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Make a smooth clip, (8, 48, 64, 3), in which something moves."""
    t, y, x = np.mgrid[:8, :48, :64]
    return np.stack([4 * x % 256, 128 + 60 * np.sin((y + 2 * t) / 12), 8 * t + 2 * y], axis=-1).astype(
        np.uint8
    )


def _exact() -> str:
    clip = _clip()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mkv")
        harkit.write_clip(path, clip, codec="ffv1")
        again = harkit.VideoReader(path)[:]
    if not np.array_equal(again, clip):
        raise AssertionError("the frames differ")
    return f"{len(again)} frames, every byte the same"


def _lossy() -> str:
    clip = _clip()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        harkit.write_clip(path, clip)
        again = harkit.VideoReader(path)[:]
    decibels = 10 * np.log10(255**2 / np.mean((clip.astype(float) - again) ** 2))
    if decibels < _DECIBELS:
        raise AssertionError(f"{decibels:.1f} dB, expected {_DECIBELS:.0f} or more")
    return f"{len(again)} frames, {decibels:.0f} dB"


def _images() -> str:
    clip = _clip()
    with tempfile.TemporaryDirectory() as folder:
        harkit.write_frames(folder, clip)
        again = harkit.VideoReader(folder)[::-1]
    if not np.array_equal(again[::-1], clip):
        raise AssertionError("the frames differ")
    return f"{len(again)} frames, every byte the same"


_CHECKS: dict[str, Callable[[], str]] = {
    "FFV1 written and read": _exact,
    "VP9 written and read": _lossy,
    "PNG files written and read": _images,
}
