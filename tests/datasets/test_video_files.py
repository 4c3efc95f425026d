"""What counts as a video below a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harkit import datasets
from harkit.errors import ArgumentError, MissingFileError


def made(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def found(folder: Path) -> list[str]:
    return [Path(path).relative_to(folder).as_posix() for path in datasets.video_files(folder)]


def test_files_are_found_at_any_depth_in_the_order_of_their_paths(tmp_path: Path) -> None:
    made(tmp_path, "b.mp4", "a/z.AVI", "a/b/c.webm", "a/notes.txt", "labels.csv")
    assert found(tmp_path) == ["a/b/c.webm", "a/z.AVI", "b.mp4"]


def test_a_folder_of_images_is_a_video_and_images_beside_videos_are_not(tmp_path: Path) -> None:
    made(tmp_path, "frames/0.png", "frames/1.png", "clips/a.mp4", "clips/poster.jpg", "deep/cover.png")
    made(tmp_path, "deep/frames/0.jpg")
    assert found(tmp_path) == ["clips/a.mp4", "deep/frames", "frames"]


def test_hidden_names_are_left_out(tmp_path: Path) -> None:
    made(tmp_path, ".a.mp4", ".cache/b.mp4", "c.mp4")
    assert found(tmp_path) == ["c.mp4"]


def test_links_are_followed_once(tmp_path: Path) -> None:
    made(tmp_path, "real/a.mp4")
    (tmp_path / "real" / "circle").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len({os.path.realpath(path) for path in datasets.video_files(tmp_path)}) == 1


def test_an_empty_folder_has_none_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    assert found(tmp_path) == []
    with pytest.raises(MissingFileError, match="there is no such folder"):
        datasets.video_files(tmp_path / "no")
    made(tmp_path, "a.mp4")
    with pytest.raises(ArgumentError, match="must be a folder"):
        datasets.video_files(tmp_path / "a.mp4")
