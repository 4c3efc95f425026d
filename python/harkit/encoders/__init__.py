"""Many descriptors of a video to one vector, the scikit-learn way.

=================  ===========================================================================
`BagOfWords`       how often each word of a vocabulary occurs, hard or soft
`FisherVector`     gradients of a Gaussian mixture
`Vlad`             sums of differences to the nearest centres
`KMeans`           the vocabulary by itself: k-means++, Lloyd or mini-batches
`GaussianMixture`  the mixture by itself: diagonal covariances, EM
`PowerNormalizer`  signed powers, against bursts
`L2Normalizer`     rows of length one
=================  ===========================================================================

The encoders take any sequence of float32 arrays (N_i, D), one a video: a list, or descriptor sets mapped
from disk, of which one is read at a time. They give a float32 matrix (n_videos, n_features). Results do not
depend on the number of threads.
"""

from __future__ import annotations

from harkit.encoders._bag import BagOfWords
from harkit.encoders._fisher import FisherVector
from harkit.encoders._kmeans import KMeans
from harkit.encoders._mixture import GaussianMixture
from harkit.encoders._normalizers import L2Normalizer, PowerNormalizer
from harkit.encoders._vlad import Vlad

__all__ = [
    "BagOfWords",
    "FisherVector",
    "GaussianMixture",
    "KMeans",
    "L2Normalizer",
    "PowerNormalizer",
    "Vlad",
]
