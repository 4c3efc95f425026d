"""Where results may be written."""

from __future__ import annotations

from pathlib import Path

import click

from harkit.errors import ArgumentError

__all__ = ["check_new_file", "check_new_folder", "overwrite"]

overwrite = click.option("--overwrite", is_flag=True, help="Replace what is there.")


def check_new_file(path: str, source: str, *, may_replace: bool) -> None:
    """Refuse to write over a file, and over the one that is read at any rate."""
    if not Path(path).exists():
        return
    if Path(source).exists() and Path(path).samefile(source):
        raise ArgumentError(f"{path}: is the file that is read; write to another", path=path)
    if not may_replace:
        raise ArgumentError(f"{path}: there is such a file already; replace it with --overwrite", path=path)


def check_new_folder(path: str, *, may_replace: bool) -> None:
    """Refuse to write into a folder that holds something."""
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"{path}: is a file, not a folder", path=path)
    if not may_replace and folder.is_dir() and any(folder.iterdir()):
        raise ArgumentError(
            f"{path}: the folder is not empty; write into it all the same with --overwrite", path=path
        )
