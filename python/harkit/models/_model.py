"""A network with its values, and what belongs to them: classes, preprocessing, device."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.models._drawing import Drawing, drawn
from harkit.models._graph import Graph
from harkit.models._input import batch_of_floats
from harkit.models._preprocessing import Preprocessing, checked_preprocessing, network_input
from harkit.models._saving import read_model, write_model
from harkit.models._summary import Summary, summarised
from harkit.transforms import Transform

__all__ = ["Description", "Model", "Prediction"]


class Prediction(NamedTuple):
    """A class that something was taken for.

    Attributes
    ----------
    name : str
        The class; its number where the model does not know names.
    probability : float
        Of 1.
    label : int
        The class's number.
    """

    name: str
    probability: float
    label: int


@dataclass(frozen=True)
class Description:
    """What is known of a model beside its network.

    Attributes
    ----------
    architecture : str
        Its name in `list_models`.
    family : str
        "image", "clip", "vector" or "sequence".
    input_shape : tuple of int
        Of one item, as the reference takes it.
    origin : str
        Where the values come from, for people.
    classes : tuple of str or None
        Names, in the order of the logits.
    preprocessing : tuple of transforms or None
        From uint8 RGB frames to what the network takes.
    """

    architecture: str
    family: str
    input_shape: tuple[int, ...]
    origin: str
    classes: tuple[str, ...] | None = None
    preprocessing: Preprocessing | None = None


class Model:
    """A network with its values; made by :func:`harkit.create_model` and :meth:`load`.

    Parameters
    ----------
    network : _core.Network
        The network.
    description : Description
        What belongs to it.
    device : str, default: "cpu"
        "cpu", "cuda" or "cuda:1".

    Attributes
    ----------
    description : Description
        Architecture, family, input, origin of the values, class names, preprocessing.
    executor : {"plan", "eager"}
        What computes: the kernels of the processor, or candle's tensors (CUDA's only way).

    Examples
    --------
    >>> model = harkit.create_model("resnet18", seed=0, n_classes=6)
    >>> model
    Model(resnet18, 6 classes, 11,179,590 parameters, initialised with seed 0, cpu)
    >>> import numpy as np
    >>> model.forward(np.zeros((2, 3, 64, 64), np.float32)).shape
    (2, 6)
    """

    def __init__(self, network: _core.Network, description: Description, *, device: str = "cpu") -> None:
        _core.check_device(device)
        self.network = network
        self.description = description
        self._device = device
        # Of one item, 0 for an extent that is free; what else is in the graph may change.
        self._item: tuple[int, ...] = tuple(self.graph.nodes[0].settings["shape"])
        self.executor: Literal["plan", "eager"] = "plan" if device == "cpu" else "eager"

    def __repr__(self) -> str:
        classes = f", {self.n_classes} classes" if self.n_classes is not None else ""
        frozen = self.n_parameters - self.n_trainable
        said = f", {frozen:,} frozen" if frozen else ""
        known, count = self.description, f"{self.n_parameters:,} parameters"
        return f"Model({known.architecture}{classes}, {count}{said}, {known.origin}, {self.device})"

    def __copy__(self) -> Model:
        return copy.deepcopy(self)

    @property
    def graph(self) -> Graph:
        """The network's layers."""
        return Graph.of(self.network.architecture)

    @property
    def device(self) -> str:
        """Where it computes."""
        return self._device

    @property
    def stages(self) -> list[str]:
        """The names that :meth:`features` and :meth:`freeze` take, from the input to the output."""
        return self.graph.stage_names

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Class names in the order of the logits, where they are known; may be set."""
        return self.description.classes

    @classes.setter
    def classes(self, names: Sequence[str] | None) -> None:
        self.description = replace(self.description, classes=checked_classes(names, self.n_classes or 0))

    @property
    def preprocessing(self) -> Preprocessing | None:
        """Transforms from uint8 RGB frames to what the network takes, where they are known; may be set."""
        return self.description.preprocessing

    @preprocessing.setter
    def preprocessing(self, transforms: Sequence[Transform] | None) -> None:
        known = None if transforms is None else checked_preprocessing(transforms)
        self.description = replace(self.description, preprocessing=known)

    @property
    def n_classes(self) -> int | None:
        """The number of logits; None for a network that ends in features."""
        classifier = self.graph.classifier
        if classifier is None:
            return None
        shapes = (shape for name, shape, _, _ in self.network.parameters() if name == f"{classifier}.weight")
        return next(shapes)[0]

    @property
    def n_parameters(self) -> int:
        """Values that can be learnt; running statistics are not counted."""
        return sum(int(np.prod(shape)) for _, shape, learnt, _ in self.network.parameters() if learnt)

    @property
    def n_trainable(self) -> int:
        """Those of them that are not frozen."""
        return sum(int(np.prod(shape)) for _, shape, _, trainable in self.network.parameters() if trainable)

    def forward(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the output of a batch, in evaluation: running statistics, no dropout.

        Parameters
        ----------
        x : ndarray of float32
            A batch as the network takes it: (N, C, H, W) of pictures, (N, C, T, H, W) of clips, normalised.

        Returns
        -------
        ndarray of float32
            (N, n_classes) logits, or the last features of a network without a classifier.

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            Another shape or dtype, a side that is too small, a value that is not finite.

        Examples
        --------
        >>> import numpy as np
        >>> model = harkit.create_model("mlp", inputs=20, n_classes=3)
        >>> model.forward(np.zeros((5, 20), np.float32)).shape
        (5, 3)
        """
        return self._run(self._checked(x), ())[0]

    def features(self, x: NDArray[Any], *, stage: str = "features") -> NDArray[np.float32]:
        """Compute what a stage gives.

        Parameters
        ----------
        x : ndarray of float32 or uint8
            As for :meth:`forward`; or RGB frames as for :meth:`predict`.
        stage : str, default: "features"
            One of `stages`; "features" is what goes into the classifier.

        Returns
        -------
        ndarray of float32
            The batch, and the stage's shape: (N, D), or a map (N, C, H, W) or (N, C, T, H, W).

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            As for :meth:`forward`; a stage that is not there.

        Examples
        --------
        >>> import numpy as np
        >>> model = harkit.create_model("resnet18", seed=0)
        >>> model.features(np.zeros((1, 3, 64, 64), np.float32), stage="layer2").shape
        (1, 128, 8, 8)
        """
        items = self._frames(x)[0] if _is_uint8(x) else self._checked(x)
        return self._run(items, (stage,))[0]

    def predict(self, x: NDArray[Any], *, top: int = 5) -> list[Prediction] | list[list[Prediction]]:
        """Tell what pictures or clips show.

        Parameters
        ----------
        x : ndarray
            uint8 in RGB, which goes through the model's own preprocessing: a picture (H, W, 3)
            or a batch of them (N, H, W, 3); or a clip (T, H, W, 3) or a batch of them (N, T, H,
            W, 3). Or float32, as for `forward`.
        top : int, default: 5
            How many classes, the likeliest first; no more than there are.

        Returns
        -------
        list of Prediction, or list of lists
            Of one picture or clip; of each of a batch. Probabilities are the softmax of the
            logits; of several views (`ThreeCrop`), the mean.

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            As for :meth:`forward`; uint8 for a model that knows no preprocessing; a network
            without a classifier.

        Examples
        --------
        >>> import numpy as np
        >>> model = harkit.create_model("mlp", inputs=20, n_classes=3)
        >>> [[likeliest]] = model.predict(np.ones((1, 20), np.float32), top=1)
        >>> likeliest.name in ("0", "1", "2")
        True
        """
        if not isinstance(top, int) or isinstance(top, bool) or top < 1:
            raise ArgumentError(f"`top` must be an integer of at least 1, got {top!r}")
        n_classes = self.n_classes
        if n_classes is None:
            raise ArgumentError(
                f"{self.description.architecture} has no classifier to predict with; see `features`"
            )
        items, views, single = self._frames(x) if _is_uint8(x) else (self._checked(x), 1, False)
        logits = self._run(items, ())[0].astype(np.float64)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = (odds / odds.sum(axis=1, keepdims=True)).reshape(-1, views, n_classes).mean(axis=1)
        rows = [self._likeliest(row, min(top, n_classes)) for row in probabilities]
        return rows[0] if single else rows

    def freeze(self, until: str | None = None) -> Model:
        """Keep values as they are in training: those of all layers up to a stage, and no others.

        Parameters
        ----------
        until : str, optional
            One of `stages`; where not given, everything but the classifier. Batch norms among
            the frozen layers use and keep their running statistics.

        Returns
        -------
        Model
            Itself.

        Raises
        ------
        harkit.errors.ArgumentError
            A stage that is not there.

        Examples
        --------
        >>> harkit.create_model("resnet18", n_classes=6).freeze().n_trainable
        3078
        """
        self.network.freeze("features" if until is None else until)
        return self

    def freeze_norms(self) -> Model:
        """Keep all batch norms as they are, their running statistics too, beside what is frozen already.

        Returns
        -------
        Model
            Itself.

        Examples
        --------
        >>> model = harkit.create_model("resnet18").freeze_norms()
        >>> model.n_parameters - model.n_trainable
        9600
        """
        self.network.freeze_norms()
        return self

    def thaw(self) -> Model:
        """Let training change everything again.

        Returns
        -------
        Model
            Itself.

        Examples
        --------
        >>> model = harkit.create_model("resnet18").freeze().thaw()
        >>> model.n_trainable == model.n_parameters
        True
        """
        self.network.thaw()
        return self

    def set_classifier(self, n_classes: int, *, seed: int = 0, classes: Sequence[str] | None = None) -> Model:
        """Replace the layer that gives logits by a new one, initialised, that is trained.

        Parameters
        ----------
        n_classes : int
            At least 1.
        seed : int, default: 0
            Of the initial values.
        classes : sequence of str, optional
            Names, one a class.

        Returns
        -------
        Model
            Itself.

        Raises
        ------
        harkit.errors.ArgumentError
            Another number of names; a network without a classifier.

        Examples
        --------
        >>> model = harkit.create_model("resnet18").set_classifier(2, classes=["sit", "stand"])
        >>> model.n_classes, model.classes
        (2, ('sit', 'stand'))
        """
        named = checked_classes(classes, n_classes)
        self.network.replace_classifier(checked_count("n_classes", n_classes), checked_seed(seed))
        self.description = replace(self.description, classes=named)
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the values as safetensors, and everything else as JSON beside them.

        Parameters
        ----------
        path : str or os.PathLike
            "dark.safetensors": the other file is then "dark.json".

        Raises
        ------
        harkit.errors.ArgumentError
            Another ending.
        harkit.errors.FileAccessError, harkit.errors.FilePermissionError
            A file that cannot be written.

        Examples
        --------
        >>> model = harkit.create_model("mlp", inputs=20, n_classes=3).freeze("features")
        >>> model.save("dark.safetensors")
        >>> harkit.models.Model.load("dark.safetensors").n_trainable
        1503
        """
        values = {name: self.network.get(name) for name, *_ in self.network.parameters()}
        write_model(path, values, self.network.architecture, self.description)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: str = "cpu") -> Model:
        """Read a model that :meth:`save` wrote.

        Parameters
        ----------
        path : str or os.PathLike
            The file of values; its JSON lies beside it.
        device : str, default: "cpu"
            "cpu", "cuda" or "cuda:1".

        Returns
        -------
        Model
            With its classes, its preprocessing, and what was frozen.

        Raises
        ------
        harkit.errors.MissingFileError, harkit.errors.DecodeError
            A file that is not there, or damaged.
        harkit.errors.ArgumentError
            Values that do not fit the architecture.

        Examples
        --------
        >>> harkit.create_model("mlp", inputs=20, n_classes=3).save("dark.safetensors")
        >>> harkit.models.Model.load("dark.safetensors").n_classes
        3
        """
        network, description = read_model(path)
        return cls(network, Description(**description), device=device)

    def summary(self, input_size: Sequence[int] | None = None) -> Summary:
        """Tabulate stages, shapes, parameters and multiply-adds.

        Parameters
        ----------
        input_size : sequence of int, optional
            (height, width) of pictures, (frames, height, width) of clips, or the whole shape of
            an item; where not given, that of the reference.

        Returns
        -------
        Summary
            Prints as a table.

        Raises
        ------
        harkit.errors.ArgumentError
            A size that does not go through the network.

        Examples
        --------
        >>> harkit.create_model("mlp", inputs=20, hidden=8, n_classes=3).summary()
        mlp, initialised with seed 0, for one item of 20
        <BLANKLINE>
        stage     output  parameters  trainable  multiply-adds
        ──────────────────────────────────────────────────────
        features  8              168        168            160
        logits    3               27         27             24
        ──────────────────────────────────────────────────────
        total                    195        195            184
        """
        shape = [1, *self._item_shape(input_size)]
        known = self.description
        return summarised(
            self.graph,
            self.network.parameters(),
            self.network.shapes(shape),
            self.network.multiply_adds(shape),
            f"{known.architecture}, {known.origin}",
        )

    def draw(
        self, path: str | os.PathLike[str] | None = None, *, input_size: Sequence[int] | None = None
    ) -> Drawing:
        """Draw the network: layers in nested blocks, shapes, what is trained and what is frozen.

        Parameters
        ----------
        path : str or os.PathLike, optional
            Where the SVG is written to.
        input_size : sequence of int, optional
            As for :meth:`summary`.

        Returns
        -------
        Drawing
            Shows itself in a notebook; `svg` is its text.

        Raises
        ------
        harkit.errors.ArgumentError
            A size that does not go through the network.

        Examples
        --------
        >>> harkit.create_model("mlp").draw("mlp.svg").svg[:4]
        '<svg'
        """
        shape = [1, *self._item_shape(input_size)]
        picture = drawn(self.graph, self.network.parameters(), self.network.shapes(shape))
        if path is not None:
            picture.save(path)
        return picture

    def fingerprint(self) -> str:
        """Return a hash of the layers and their values: equal where outputs are, whatever is frozen.

        Returns
        -------
        str
            64 hexadecimal digits (SHA-256).

        Examples
        --------
        >>> one, other = (harkit.create_model("mlp", seed=seed).fingerprint() for seed in (0, 1))
        >>> one == other
        False
        """
        layers = json.loads(self.network.architecture)
        for node in layers["nodes"]:
            del node["frozen"]
        digest = hashlib.sha256(json.dumps(layers, sort_keys=True).encode())
        for name, *_ in self.network.parameters():
            digest.update(name.encode())
            digest.update(self.network.get(name).tobytes())
        return digest.hexdigest()

    def _run(self, x: NDArray[np.float32], stages: Sequence[str]) -> list[NDArray[np.float32]]:
        return self.network.forward(x, stages, executor=self.executor, device=self.device)

    def _checked(self, x: Any) -> NDArray[np.float32]:
        return batch_of_floats(x, self.description.family, self._item)

    def _frames(self, x: Any) -> tuple[NDArray[np.float32], int, bool]:
        """Return items for uint8 frames, the views of each, and whether it was one without a batch."""
        frames, family = np.asarray(x), self.description.family
        if self.preprocessing is None:
            raise ArgumentError(
                f"{self.description.architecture} ({self.description.origin}) knows no preprocessing for "
                "uint8 frames: give float32 as `forward` takes it, or set `preprocessing`"
            )
        axes = {"image": 3, "clip": 4}.get(family)
        if axes is None:
            raise ArgumentTypeError(
                f"`x` must be float32, got uint8: the network takes a {family}, not frames"
            )
        if frames.ndim not in (axes, axes + 1) or frames.shape[-1] != 3 or frames.size == 0:
            one = "(H, W, 3)" if family == "image" else "(T, H, W, 3)"
            raise ArgumentError(f"`x` must be {one} or a batch of them, in RGB, got {frames.shape}")
        single = frames.ndim == axes
        batch = frames[None] if single else frames
        if family == "image":
            # All pictures of a batch are treated alike, as the frames of one clip are.
            prepared = network_input(batch, self.preprocessing, family).swapaxes(0, 1)
            views = prepared.shape[1]
            return np.ascontiguousarray(prepared.reshape(-1, *prepared.shape[2:])), views, single
        clips = [network_input(clip, self.preprocessing, family) for clip in batch]
        return np.concatenate(clips), len(clips[0]), single

    def _likeliest(self, probabilities: NDArray[np.float64], top: int) -> list[Prediction]:
        # Of equals the first class comes first.
        order = np.argsort(-probabilities, kind="stable")[:top].tolist()
        names = self.classes
        return [Prediction(str(i) if names is None else names[i], float(probabilities[i]), i) for i in order]

    def _item_shape(self, size: Sequence[int] | None) -> list[int]:
        usual = list(self.description.input_shape)
        item = self._item
        if size is None:
            # A head that was made for other inputs than the usual ones.
            return [w or u for w, u in zip(item, usual, strict=True)]
        given = [checked_count("input_size", side) for side in size]
        if len(given) == len(item) - 1:
            given = [item[0] or usual[0], *given]
        if len(given) != len(item):
            raise ArgumentError(
                f"`input_size` must have {len(item) - 1} or {len(item)} sides, got {tuple(size)}"
            )
        return given


def _is_uint8(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype == np.uint8


def checked_count(name: str, value: Any) -> int:
    """Return a positive integer."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"`{name}` must be an integer of at least 1, got {value!r}")
    return int(value)


def checked_seed(value: Any) -> int:
    """Return a seed of the core's streams."""
    if (
        isinstance(value, (bool, np.bool_))
        or not isinstance(value, (int, np.integer))
        or not 0 <= value < 2**64
    ):
        raise ArgumentError(f"`seed` must be an integer from 0 to 2**64 - 1, got {value!r}")
    return int(value)


def checked_classes(classes: Any, n_classes: int) -> tuple[str, ...] | None:
    """Return class names, one a class."""
    if classes is None:
        return None
    if isinstance(classes, str) or not all(isinstance(name, str) for name in classes):
        raise ArgumentTypeError(f"`classes` must hold names, got {classes!r}")
    if len(classes) != n_classes:
        raise ArgumentError(f"`classes` must hold a name a class, got {len(classes)} for {n_classes} classes")
    return tuple(classes)
