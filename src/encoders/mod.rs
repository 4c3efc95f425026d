//! Many descriptors of a video to one vector: k-means, bag of words, Gaussian mixture and Fisher vector, VLAD.
