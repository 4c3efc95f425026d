"""Learning: losses, optimisers, and networks as classifiers.

=====================  =================================================================
`NetworkClassifier`    a network over vectors, as scikit-learn wants it
`CrossEntropy`         the loss: label smoothing, class weights
`SGD`                  gradient descent with momentum
`Adam`, `AdamW`        in PyTorch's and in Keras's convention
`Ramp`                 a learning rate that grows, and then drops
=====================  =================================================================
"""

from __future__ import annotations

from harkit.training._classifier import NetworkClassifier
from harkit.training._options import SGD, Adam, AdamW, CrossEntropy, Ramp

__all__ = ["SGD", "Adam", "AdamW", "CrossEntropy", "NetworkClassifier", "Ramp"]
