"""SHA-256 of files, computed once a process for a file that does not change."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

__all__ = ["file_hash"]

_CHUNK = 1 << 20


def file_hash(path: Path) -> str:
    """Return 64 hexadecimal digits; a file that keeps its size and time of change is read once."""
    status: os.stat_result = path.stat()
    return _hash_once(path, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=100_000)
def _hash_once(path: Path, _: tuple[int, ...]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
