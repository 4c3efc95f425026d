"""From videos to local descriptors: detection and description of many videos, as scikit-learn wants it.

Each video is read (`_frames`), its points are found and described, and both go to the cache. Videos are
worked on side by side; results come in the order asked for and do not depend on the number of threads.
Memory: for each thread the frames of one video, or a piece of 64 MiB where it is longer, and its descriptors.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache as cached
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from harkit import _core
from harkit._progress import Progress, shown
from harkit._videos import Item, items_of
from harkit.cache import FeatureCache, content_hash
from harkit.enhancement import Enhancement
from harkit.errors import ArgumentTypeError, HarkitError
from harkit.stip._dense import dense_points
from harkit.stip._descriptor_sets import DescriptorSets, Entry, TemporaryFolder
from harkit.stip._detection import detect
from harkit.stip._frames import Frames, Reading
from harkit.stip._jets import describe
from harkit.stip._points import POINT_DTYPE, Points

__all__ = ["StipExtractor"]

# Failures that an error spells out.
_N_REPORTED = 5
# A clip of fewer has no response.
_FEWEST_FRAMES = 3

_log = logging.getLogger("harkit.stip")


# scikit-learn has no types; and the output is no matrix that it could name columns of.
class StipExtractor(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Interest points and their descriptors, of many videos.

    Parameters
    ----------
    mode : {"corrected", "faithful", "laptev", "dense"}, default: "corrected"
        The preset of :func:`harkit.stip.detect`; what is given below replaces a part of it. Or ``"dense"``:
        points on a grid, of :func:`harkit.stip.dense_points`.
    descriptor : str, optional
        As for :func:`harkit.stip.describe`; where not given ``"jet6"`` in the mode ``"faithful"``, and
        ``"hoghof"`` in others.
    sigma2, tau2 : sequence of float, optional
        Variances of the scales, in pixels and frames squared.
    k, threshold : float, optional
        Of the response; not of a grid.
    detection : mapping, optional
        Further arguments of :func:`harkit.stip.detect`, or of :func:`harkit.stip.dense_points`, by name.
    description : mapping, optional
        Further arguments of :func:`harkit.stip.describe`, by name.
    gray : {True, "y"}, default: True
        As for :class:`harkit.VideoReader`; ``True`` is the reports' grey.
    size : tuple of int, optional
        (height, width) to which frames are resized first, by OpenCV's bilinear rule.
    max_side : int, optional
        Frames whose longest side is above this are shrunk to it first, by area.
    enhancement : sequence of harkit.enhancement.Enhancement, default: ()
        How bright, in order, before any resize.
    mirrored : bool, default: False
        Whether left and right are exchanged: for training videos once more, the other way round.
    cache : str, os.PathLike or FeatureCache, optional
        Where features are kept; without it in a temporary folder that lives as long as the result.
    progress : bool or callable, default: False
        ``True`` draws a bar; a callable gets the number of videos finished so far.

    Attributes
    ----------
    n_features_out_ : int
        The width of a descriptor.

    Notes
    -----
    It learns nothing: `fit` only checks the arguments, as `transform` does, before the first frame is read.
    Videos are paths, or ``(path, start, stop)`` for the frames from start up to, not including, stop; or a
    data set's split. Where a span ends after the video it is cut, with a message to the logger
    ``"harkit.stip"``.

    Examples
    --------
    >>> extractor = harkit.stip.StipExtractor(descriptor="jet34", max_side=120)
    >>> sets = extractor.fit_transform(paths)
    >>> sets[0].shape[1], sets.points(0).dtype.names
    (34, ('t', 'y', 'x', 'sigma2', 'tau2', 'response'))
    """

    def __init__(
        self,
        mode: Literal["corrected", "faithful", "laptev", "dense"] = "corrected",
        *,
        descriptor: str | None = None,
        sigma2: Sequence[float] | None = None,
        tau2: Sequence[float] | None = None,
        k: float | None = None,
        threshold: float | None = None,
        detection: Mapping[str, Any] | None = None,
        description: Mapping[str, Any] | None = None,
        gray: Literal[True, "y"] = True,
        size: tuple[int, int] | None = None,
        max_side: int | None = None,
        enhancement: Sequence[Enhancement] = (),
        mirrored: bool = False,
        cache: str | os.PathLike[str] | FeatureCache | None = None,
        progress: Progress = False,
    ) -> None:
        self.mode = mode
        self.descriptor = descriptor
        self.sigma2 = sigma2
        self.tau2 = tau2
        self.k = k
        self.threshold = threshold
        self.detection = detection
        self.description = description
        self.gray = gray
        self.size = size
        self.max_side = max_side
        self.enhancement = enhancement
        self.mirrored = mirrored
        self.cache = cache
        self.progress = progress

    def fit(self, videos: Any, y: Any = None) -> StipExtractor:
        """Check the arguments.

        Parameters
        ----------
        videos : sequence of paths and (path, start, stop), or a data set's split
            Only looked at, not opened.
        y : object, optional
            Not used.

        Returns
        -------
        StipExtractor
            Itself.

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            An argument out of range or of another kind.
        """
        items_of(videos)
        self.n_features_out_ = self._work().n_columns
        return self

    def transform(self, videos: Any) -> DescriptorSets:
        """Find and describe the interest points of each video.

        Parameters
        ----------
        videos : sequence of paths and (path, start, stop), or a data set's split
            The videos.

        Returns
        -------
        DescriptorSets
            One float32 array (N_i, D) a video, in the same order.

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            An argument out of range or of another kind; nothing has been read then.
        harkit.errors.HarkitError
            Videos that cannot be read; the error names them. The others are in the cache.
        """
        items, work = items_of(videos), self._work()
        cache, keeper = self.cache, None
        if cache is None:
            keeper = TemporaryFolder()
            cache = keeper.path
        if not isinstance(cache, FeatureCache):
            cache = FeatureCache(cache)
        with shown(self.progress, len(items), "video") as tell:
            entries = _side_by_side(lambda item, stop: work.entry(item, cache, stop), items, tell)
        return DescriptorSets([item.name for item in items], entries, keeper)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _work(self) -> _Work:
        reading = Reading(self.gray, self.size, self.max_side, self.enhancement, self.mirrored)
        named = {"sigma2": self.sigma2, "tau2": self.tau2, "k": self.k, "threshold": self.threshold}
        given = {name: value for name, value in named.items() if value is not None}
        detection = {**given, **_mapping("detection", self.detection)}
        description = {"descriptor": self.descriptor, **_mapping("description", self.description)}
        if description["descriptor"] is None:
            description["descriptor"] = "jet6" if self.mode == "faithful" else "hoghof"
        if self.mode == "dense":
            return _Work(reading, dense_points, detection, description)
        description = {"mode": self.mode, **description}
        return _Work(reading, detect, {"mode": self.mode, **detection}, description)


class _Work:
    """What is done to each video, checked."""

    def __init__(
        self,
        reading: Reading,
        find: Callable[..., Points],
        detection: dict[str, Any],
        description: dict[str, Any],
    ) -> None:
        self.reading = reading
        self.find = find
        self.detection = detection
        self.description = description
        # Arguments are the functions' own affair: they are tried on a small volume.
        t, y, x = np.ogrid[:24, :64, :80]
        trial = ((3 * t * t + 2 * y * y + 5 * x + t * y * x) % 256).astype(np.uint8)
        points = find(trial, **detection)[:1]
        self.n_columns = describe(trial, points, **description).shape[1]

    def entry(self, item: Item, cache: FeatureCache, stop: threading.Event) -> Entry:
        key = {
            "video": content_hash(item.path),
            "span": item.span,
            "reading": self.reading,
            "detection": {"by": self.find.__name__, **self.detection},
            "description": self.description,
            "code": _code(),
        }
        arrays = cache.get_or_compute(key, lambda: self._features(item, stop))
        return Entry(cache.path(key), *arrays["descriptors"].shape)

    def _features(self, item: Item, stop: threading.Event) -> dict[str, NDArray[Any]]:
        frames = self.reading.clip_or_pieces(item)
        try:
            if isinstance(frames, np.ndarray) and len(frames) < _FEWEST_FRAMES <= item.n_asked:
                _log.warning("%s: only %d frames, no points", item.name, len(frames))
                return {
                    "descriptors": np.empty((0, self.n_columns), np.float32),
                    "points": np.empty(0, POINT_DTYPE),
                }
            if isinstance(frames, np.ndarray):
                points = self.find(frames, **self.detection)
                descriptors = describe(frames, points, **self.description)
            else:
                points = self.find(_until(stop, frames()), **self.detection)
                descriptors = describe(_until(stop, frames()), points, **self.description)
        except HarkitError as error:
            if error.path is not None:
                raise
            raise type(error)(f"{item.name}: {error}", path=item.path, frame=error.frame) from error
        return {"descriptors": descriptors, "points": points}


@cached
def _code() -> list[str]:
    """Return the hashes of the build and of this room: others may give other numbers."""
    return [content_hash(_core.__file__), content_hash(Path(__file__).parent)]


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ArgumentTypeError(f"`{name}` must be a mapping of arguments by name, got {value!r}")
    return dict(value)


def _until(stop: threading.Event, pieces: Iterator[Frames]) -> Iterator[Frames]:
    """Pieces, as long as nobody stopped the work."""
    for piece in pieces:
        if stop.is_set():
            raise _StoppedError
        yield piece


class _StoppedError(Exception):
    """The result is no longer wanted."""


def _side_by_side(
    work: Callable[[Item, threading.Event], Entry],
    items: Sequence[Item],
    tell: Callable[[int], object] | None,
) -> list[Entry]:
    """Results in the order of the items; the failures of all are one error."""
    stop = threading.Event()
    pool = ThreadPoolExecutor(max(_core.num_threads(), 1), thread_name_prefix="harkit-stip")
    try:
        futures = [pool.submit(work, item, stop) for item in items]
        waiting: set[Future[Entry]] = set(futures)
        while waiting:
            _, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            if tell is not None:
                tell(len(items) - len(waiting))
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    failures = [error for error in (future.exception() for future in futures) if error is not None]
    if failures:
        raise _joined(failures, len(items))
    return [future.result() for future in futures]


def _joined(failures: Sequence[BaseException], n_items: int) -> BaseException:
    first = failures[0]
    if len(failures) == 1 or not isinstance(first, HarkitError):
        return first
    listed = "; ".join(str(error) for error in failures[:_N_REPORTED])
    more = f"; and {len(failures) - _N_REPORTED} more" if len(failures) > _N_REPORTED else ""
    message = f"{len(failures)} of {n_items} videos failed: {listed}{more}"
    return type(first)(message, path=first.path, frame=first.frame)
