"""How large and where: resize, crop, flip, rotate, zoom, normalise.

A transform is an option object (:class:`Resize`, :class:`RandomCrop`, …); :func:`apply` applies a list of
them, and each has a function of its own (:func:`resize`, :func:`random_crop`, …). Sizes are (height,
width). Random parameters are drawn first (:func:`draw`) and applied then: the same parameters give the
same pixels on any number of threads, and all frames of a clip share one draw.
"""

from __future__ import annotations

from harkit.transforms._base import Transform, apply, draw
from harkit.transforms._crops import (
    CenterCrop,
    Crop,
    RandomCrop,
    RandomResizedCrop,
    ResizedCrop,
    ThreeCrop,
    center_crop,
    crop,
    random_crop,
    random_resized_crop,
    resized_crop,
    three_crop,
)
from harkit.transforms._flips import (
    Flip,
    HorizontalFlip,
    RandomFlip,
    VerticalFlip,
    flip,
    horizontal_flip,
    random_flip,
    vertical_flip,
)
from harkit.transforms._sizes import (
    Resize,
    ResizeShort,
    ResizeWithPad,
    resize,
    resize_short,
    resize_with_pad,
)
from harkit.transforms._time import TemporalUpsample, temporal_upsample
from harkit.transforms._values import (
    Bgr,
    Contrast,
    Normalize,
    RandomContrast,
    ToFloat,
    bgr,
    contrast,
    normalize,
    random_contrast,
    to_float,
)
from harkit.transforms._warps import (
    RandomRotation,
    RandomZoom,
    Rotate,
    Zoom,
    random_rotation,
    random_zoom,
    rotate,
    zoom,
)

__all__ = [
    "Bgr",
    "CenterCrop",
    "Contrast",
    "Crop",
    "Flip",
    "HorizontalFlip",
    "Normalize",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomZoom",
    "Resize",
    "ResizeShort",
    "ResizeWithPad",
    "ResizedCrop",
    "Rotate",
    "TemporalUpsample",
    "ThreeCrop",
    "ToFloat",
    "Transform",
    "VerticalFlip",
    "Zoom",
    "apply",
    "bgr",
    "center_crop",
    "contrast",
    "crop",
    "draw",
    "flip",
    "horizontal_flip",
    "normalize",
    "random_contrast",
    "random_crop",
    "random_flip",
    "random_resized_crop",
    "random_rotation",
    "random_zoom",
    "resize",
    "resize_short",
    "resize_with_pad",
    "resized_crop",
    "rotate",
    "temporal_upsample",
    "three_crop",
    "to_float",
    "vertical_flip",
    "zoom",
]
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
