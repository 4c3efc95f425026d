"""``harkit extract-frames``: a video to a folder of PNG files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import click
import numpy as np
from numpy.typing import NDArray

from harkit import VideoReader, write_frames
from harkit.cli._group import bar, complaints
from harkit.cli._output import check_new_folder, overwrite
from harkit.errors import ArgumentError, FrameIndexError

__all__ = ["extract_frames"]

# Bytes of frames held at once.
_MEMORY = 64 << 20


@click.command("extract-frames", short_help="Write frames as PNG files.")
@click.argument("video", metavar="VIDEO")
@click.argument("folder", metavar="FOLDER")
@click.option(
    "--every", default=1, show_default=True, type=click.IntRange(min=1), help="Take each n-th frame."
)
@click.option("--start", default=0, show_default=True, type=click.IntRange(min=0), help="The first frame.")
@click.option("--stop", type=click.IntRange(min=0), help="The first frame that is not taken any more.")
@click.option("--gray", is_flag=True, help="Grey frames, as OpenCV converts them.")
@overwrite
def extract_frames(
    *, video: str, folder: str, every: int, start: int, stop: int | None, gray: bool, overwrite: bool
) -> None:
    """Write the frames of VIDEO into FOLDER, as PNG files named by their numbers.

    Frame 12 is 000012.png. Each file appears when it is whole, so that an interrupted run leaves whole files
    only. A folder that holds something is refused.
    """
    check_new_folder(folder, may_replace=overwrite)
    with complaints(), VideoReader(video, gray=gray) as frames:
        numbers = range(len(frames))[start:stop:every]
        if not numbers:
            raise ArgumentError(f"{video}: none of its {len(frames)} frames is chosen", path=video)
        info = frames.info
        step = max(1, _MEMORY // (info.width * info.height * 3))
        with bar(len(numbers), "frame") as tell:
            chosen, done = _chosen(frames, numbers), 0
            while part := list(islice(chosen, step)):
                write_frames(folder, np.stack([frame for _, frame in part]), numbers=[i for i, _ in part])
                done += len(part)
                tell(done)
    click.echo(f"{done} frames in {folder}")


def _chosen(video: VideoReader, numbers: Iterable[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Give frames one by one, so that decoding goes on from one to the next."""
    for number in numbers:
        try:
            frame = video[number]
        except FrameIndexError:  # a damaged file has fewer frames than it promised
            return
        yield number, frame
