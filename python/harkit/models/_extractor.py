"""From videos to feature vectors, as scikit-learn wants it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from harkit._progress import Progress, shown
from harkit._videos import Item, items_of
from harkit.cache import FeatureCache
from harkit.errors import ArgumentError, ArgumentTypeError, HarkitError
from harkit.loading import ClipRecipe, Failure
from harkit.models._create import create_model
from harkit.models._extraction import Extraction, complete
from harkit.models._model import Model, checked_count

__all__ = ["BackboneExtractor"]

# Failures that an error spells out.
_N_REPORTED = 5


class BackboneExtractor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features of videos: what a network makes of their frames or clips, averaged over each video.

    Parameters
    ----------
    backbone : str or Model
        An architecture, as :func:`harkit.list_models` shows it; or a model.
    weights : str or os.PathLike, optional
        As for :func:`harkit.create_model`; without them the network is initialised, which is of use in tests.
    recipe : ClipRecipe, optional
        Which frames, how bright, how large. Where it has no transforms, those of the weights are
        used. Where not given: 8 frames a video in the middle of equal parts; of networks that take
        clips, one clip of as many frames as the reference takes. Layout and dtype are the network's
        affair.
    stage : str, default: "features"
        One of the model's stages; maps are averaged over rows and columns (and time).
    pool : {"mean", None}, default: "mean"
        The mean over the frames, or the clips and views, of a video; None keeps them: (n, frames, d).
    batch_size : int, default: 16
        Frames, or clips, that go through the network at once.
    device : str, default: "cpu"
        "cpu", "cuda" or "cuda:1"; a model has its own.
    seed : int, default: 0
        Of initial values, where a name comes without weights.
    cache : str, os.PathLike or FeatureCache, optional
        Where features are kept, found again by the video's content, the frames, the recipe and the network.
    progress : bool or callable, default: False
        ``True`` draws a bar; a callable gets the number of videos finished so far.

    Attributes
    ----------
    n_features_out_ : int
        The width of a vector.
    failures_ : list of harkit.loading.Failure
        The videos that the last `transform` could not read.

    Notes
    -----
    It learns nothing: `fit` only checks the arguments, as `transform` does, before the first frame is
    read. Videos are paths, or ``(path, start, stop)`` for the frames from start up to, not including,
    stop; or a data set's split.

    Examples
    --------
    >>> recipe = harkit.ClipRecipe(
    ...     sampling=harkit.sampling.Uniform(4),
    ...     transforms=[harkit.transforms.Resize(64), harkit.transforms.Normalize(0.5, 0.25, scale=255)],
    ... )
    >>> extractor = harkit.models.BackboneExtractor("resnet18", recipe=recipe)
    >>> extractor.fit_transform(paths).shape
    (4, 512)
    """

    def __init__(
        self,
        backbone: str | Model,
        *,
        weights: str | os.PathLike[str] | None = None,
        recipe: ClipRecipe | None = None,
        stage: str = "features",
        pool: Literal["mean"] | None = "mean",
        batch_size: int = 16,
        device: str = "cpu",
        seed: int = 0,
        cache: str | os.PathLike[str] | FeatureCache | None = None,
        progress: Progress = False,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.recipe = recipe
        self.stage = stage
        self.pool = pool
        self.batch_size = batch_size
        self.device = device
        self.seed = seed
        self.cache = cache
        self.progress = progress

    def fit(self, videos: Any, y: Any = None) -> BackboneExtractor:
        """Check the arguments.

        Parameters
        ----------
        videos : sequence of paths and (path, start, stop), or a data set's split
            Only looked at, not opened.
        y : object, optional
            Not used.

        Returns
        -------
        BackboneExtractor
            Itself.

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            An argument out of range or of another kind.
        harkit.errors.MissingFileError
            Weights that are not at hand.
        """
        items_of(videos)
        self._remember(self._work())
        return self

    def transform(self, videos: Any) -> NDArray[np.float32]:
        """Compute the features of each video, or find them in the cache.

        Parameters
        ----------
        videos : sequence of paths and (path, start, stop), or a data set's split
            The videos.

        Returns
        -------
        ndarray of float32, shape (n, d)
            A row a video, in the same order; (n, frames, d) for ``pool=None``.

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            An argument out of range or of another kind; nothing has been read then.
        harkit.errors.HarkitError
            Videos that cannot be read; the error names them, `failures_` lists them all. The
            others are in the cache.
        """
        items, work = items_of(videos), self._work()
        self._remember(work)
        cache = self.cache
        if cache is not None and not isinstance(cache, FeatureCache):
            cache = FeatureCache(cache)
        with shown(self.progress, len(items), "video") as tell:
            features, failed = work.run(items, cache, tell)
        self.failures_ = [_failure(items[i], error) for i, error in sorted(failed.items())]
        if failed:
            raise _joined([error for _, error in sorted(failed.items())], len(items))
        return _stacked(items, features, work.n_columns, keep=self.pool is None)

    def _remember(self, work: Extraction) -> None:
        self.n_features_out_ = self._n_features_out = work.n_columns

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _work(self) -> Extraction:
        if self.pool not in ("mean", None):
            raise ArgumentError(f'`pool` must be "mean" or None, got {self.pool!r}')
        if self.recipe is not None and not isinstance(self.recipe, ClipRecipe):
            raise ArgumentTypeError(f"`recipe` must be a harkit.ClipRecipe, got {self.recipe!r}")
        batch_size = checked_count("batch_size", self.batch_size)
        if isinstance(self.backbone, Model):
            if self.weights is not None:
                raise ArgumentError("`weights` must not be given beside a model, which has its own")
            model = self.backbone
        elif isinstance(self.backbone, str):
            model = create_model(self.backbone, weights=self.weights, seed=self.seed, device=self.device)
        else:
            raise ArgumentTypeError(f"`backbone` must be a name or a Model, got {self.backbone!r}")
        return Extraction(model, complete(self.recipe, model), self.stage, self.pool, batch_size)


def _failure(item: Item, error: HarkitError) -> Failure:
    return Failure(item.path, error.frame, str(error))


def _joined(failures: Sequence[HarkitError], n_items: int) -> HarkitError:
    first = failures[0]
    if len(failures) == 1:
        return first
    listed = "; ".join(str(error) for error in failures[:_N_REPORTED])
    more = f"; and {len(failures) - _N_REPORTED} more" if len(failures) > _N_REPORTED else ""
    message = f"{len(failures)} of {n_items} videos failed: {listed}{more}"
    return type(first)(message, path=first.path, frame=first.frame)


def _stacked(
    items: Sequence[Item], features: dict[int, NDArray[np.float32]], n_columns: int, *, keep: bool
) -> NDArray[np.float32]:
    if not items:
        return np.empty((0, 0, n_columns) if keep else (0, n_columns), np.float32)
    counts = {len(features[i]) for i in features} if keep else {0}
    if len(counts) > 1:
        raise ArgumentError(
            '`pool` must be "mean" where videos have different numbers of frames, '
            f"got {min(counts)} to {max(counts)}"
        )
    return np.stack([features[i] for i in range(len(items))])
