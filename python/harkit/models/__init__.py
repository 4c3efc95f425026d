"""Models: architectures by name, with published or own weights; features of videos.

=================== ==============================================================================
`create_model`      a model by name
`list_models`       the architectures: family, parameters, input
`Model`             runs, predicts, freezes, saves, draws itself
`BackboneExtractor` features of many videos, for scikit-learn
=================== ==============================================================================
"""

from __future__ import annotations

from harkit.models._create import ModelInfo, ModelTable, create_model, list_models
from harkit.models._drawing import Drawing
from harkit.models._extractor import BackboneExtractor
from harkit.models._model import Description, Model, Prediction
from harkit.models._summary import Summary, SummaryRow

__all__ = [
    "BackboneExtractor",
    "Description",
    "Drawing",
    "Model",
    "ModelInfo",
    "ModelTable",
    "Prediction",
    "Summary",
    "SummaryRow",
    "create_model",
    "list_models",
]
