"""What every encoder of descriptor sets does, whichever it is."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

import harkit
from harkit.encoders import BagOfWords, FisherVector, Vlad

Sets = list[NDArray[np.float32]]

ENCODERS = {
    "bag of words": BagOfWords(6),
    "soft bag of words": BagOfWords(6, assignment="soft", n_nearest=3),
    "bag by mini-batches": BagOfWords(6, algorithm="minibatch", batch_size=64, normalization=None),
    "bag of components": BagOfWords(6, pca=3),
    "bag of a part": BagOfWords(6, columns=(2, 5)),
    "fisher vector": FisherVector(3),
    "fisher vector of components": FisherVector(3, pca=4, columns=slice(0, 6)),
    "vlad": Vlad(4),
    "plain vlad": Vlad(4, intra=False, power=0.5, l2=False, columns=slice(-3, None)),
}
SIZES = {
    "bag of words": 6,
    "soft bag of words": 6,
    "bag by mini-batches": 6,
    "bag of components": 6,
    "bag of a part": 6,
    "fisher vector": 2 * 3 * 8,
    "fisher vector of components": 2 * 3 * 4,
    "vlad": 4 * 8,
    "plain vlad": 4 * 3,
}


@pytest.fixture(params=ENCODERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def encoder(name: str) -> Any:
    return clone(ENCODERS[name])


@pytest.fixture(scope="module")
def sets() -> Sets:
    rng = np.random.default_rng(0)
    return [rng.normal(i % 2, 1, (n, 8)).astype(np.float32) for i, n in enumerate((90, 1, 0, 120, 33, 64))]


def test_it_gives_one_float32_row_a_video(encoder: Any, name: str, sets: Sets) -> None:
    codes = encoder.fit_transform(sets)
    assert (codes.dtype, codes.shape) == (np.float32, (6, SIZES[name]))
    assert np.isfinite(codes).all()
    assert (codes[2] == 0).all()
    assert all(codes[i].any() for i in (0, 1, 3, 4, 5))
    names = encoder.get_feature_names_out()
    assert names[0] == f"{type(encoder).__name__.lower()}0"
    assert len(set(names)) == codes.shape[1]


def test_a_copy_is_not_fitted_and_parameters_can_be_set(encoder: Any, sets: Sets) -> None:
    with pytest.raises(NotFittedError):
        encoder.transform(sets)
    encoder.fit(sets)
    copy = clone(encoder).set_params(max_descriptors=50)
    assert copy.get_params()["max_descriptors"] == 50
    with pytest.raises(NotFittedError):
        copy.transform(sets)


def test_fit_changes_no_parameter(encoder: Any, sets: Sets) -> None:
    before = encoder.get_params()
    assert encoder.fit(sets) is encoder
    assert encoder.get_params() == before


def test_threads_change_nothing(encoder: Any, sets: Sets) -> None:
    codes = []
    for threads in (1, 2, 3):
        harkit.set_num_threads(threads)
        codes.append(clone(encoder).fit_transform(sets))
    harkit.set_num_threads(0)
    np.testing.assert_array_equal(codes[0], codes[1])
    np.testing.assert_array_equal(codes[0], codes[2])


def test_a_second_fit_forgets_the_first(encoder: Any, sets: Sets) -> None:
    fresh = clone(encoder).fit(sets).transform(sets)
    wide = [np.c_[array, array] for array in sets]
    np.testing.assert_array_equal(encoder.fit(wide).fit(sets).transform(sets), fresh)


def test_a_video_is_encoded_the_same_among_others_and_alone(encoder: Any, sets: Sets) -> None:
    together = encoder.fit(sets).transform(sets)
    for i, array in enumerate(sets):
        np.testing.assert_array_equal(encoder.transform([array])[0], together[i])


def test_one_video_and_no_video(encoder: Any, name: str, sets: Sets) -> None:
    assert encoder.fit(sets[:1]).transform(sets[:1]).shape == (1, SIZES[name])
    assert encoder.transform([]).shape == (0, SIZES[name])


@pytest.mark.parametrize("most", [40, 10**9])
def test_fewer_descriptors_than_there_are_or_more(encoder: Any, sets: Sets, most: int) -> None:
    codes = encoder.set_params(max_descriptors=most).fit_transform(sets)
    again = clone(encoder).fit_transform(sets)
    np.testing.assert_array_equal(codes, again)


def test_the_seed_decides_the_sample(encoder: Any, sets: Sets) -> None:
    encoder.set_params(max_descriptors=60)
    one, two = (clone(encoder).set_params(random_state=seed).fit_transform(sets) for seed in (1, 2))
    assert not np.array_equal(one, two)


def test_float64_and_other_layouts_give_the_same(encoder: Any, sets: Sets) -> None:
    expected = encoder.fit(sets).transform(sets)
    for change in (np.float64, np.asfortranarray, lambda array: array.repeat(2, axis=0)[::2]):
        np.testing.assert_array_equal(encoder.transform([change(array) for array in sets]), expected)


class OnDisk(Sequence[Any]):
    """Arrays mapped from files, one at a time."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> OnDisk: ...
    def __getitem__(self, index: Any) -> Any:
        return (
            OnDisk(self.paths[index])
            if isinstance(index, slice)
            else np.load(self.paths[index], mmap_mode="r")
        )


def test_sets_on_disk_are_taken_as_they_are(encoder: Any, sets: Sets, tmp_path: Path) -> None:
    expected = encoder.set_params(max_descriptors=100).fit_transform(sets)
    paths = [tmp_path / f"{i}.npy" for i in range(len(sets))]
    for path, array in zip(paths, sets, strict=True):
        np.save(path, array)
    np.testing.assert_array_equal(clone(encoder).fit_transform(OnDisk(paths)), expected)


def test_it_survives_pickling(encoder: Any, sets: Sets) -> None:
    expected = encoder.fit(sets).transform(sets)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(sets), expected)


def test_it_is_searched_in_a_pipeline(encoder: Any, sets: Sets) -> None:
    labels = np.arange(12) % 2
    pipeline = make_pipeline(encoder, LinearSVC())
    step = pipeline.steps[0][0]
    search = GridSearchCV(pipeline, {f"{step}__max_descriptors": [60, 200]}, cv=2, error_score="raise")
    assert search.fit([*sets, *sets], labels).predict(sets).shape == (6,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda array: array[:, :5], r"`X\[0\]` must have 8 columns, got shape \(90, 5\)"),
        (lambda array: array * np.nan, r"`X\[0\]` must hold finite values"),
        (lambda array: array[0], "`X` must be a sequence of arrays of numbers"),
        (lambda array: array.astype(str), "`X` must be a sequence of arrays of numbers"),
    ],
)
def test_a_bad_set_is_named(encoder: Any, sets: Sets, change: Any, message: str) -> None:
    encoder.fit(sets)
    bad = [change(sets[0]), *sets[1:]]
    with pytest.raises(ValueError, match=message):
        encoder.transform(bad)
    if "columns" not in message:
        with pytest.raises(ValueError, match=message):
            clone(encoder).fit(bad)


def test_bad_sequences_are_named(encoder: Any, sets: Sets) -> None:
    with pytest.raises(TypeError, match="`X` must be a sequence of arrays"):
        encoder.fit(iter(sets))
    with pytest.raises(ValueError, match="`X` must hold the descriptors of one video or more"):
        encoder.fit([])
    with pytest.raises(ValueError, match="all its arrays are empty"):
        encoder.fit([sets[2], sets[2]])
    with pytest.raises(ValueError, match=r"must be at most|must have"):
        encoder.fit([sets[0][:2]])
    with pytest.raises(ValueError, match=r"`X\[1\]` must have 8 columns"):
        encoder.fit([sets[0], sets[1][:, :3]])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"max_descriptors": 0}, ValueError, "`max_descriptors` must be an integer from 1"),
        ({"pca": 0}, ValueError, "`pca` must be an integer from 1"),
        ({"pca": 99}, ValueError, "`pca` must be at most"),
        ({"columns": (3, 9)}, ValueError, "`columns` must lie within the 8 of a descriptor"),
        ({"columns": (3, 3)}, ValueError, "`columns` must lie within"),
        ({"columns": "hog"}, TypeError, "`columns` must be a slice"),
    ],
)
def test_parameters_in_common_are_checked(
    encoder: Any, sets: Sets, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        encoder.set_params(**changes).fit(sets)


def test_parts_of_descriptors_have_vocabularies_of_their_own(sets: Sets) -> None:
    union = FeatureUnion([("hog", BagOfWords(4, columns=(0, 3))), ("hof", BagOfWords(5, columns=(3, 8)))])
    codes = union.fit_transform(sets)
    np.testing.assert_array_equal(codes[:, :4], BagOfWords(4).fit_transform([s[:, :3] for s in sets]))
    np.testing.assert_array_equal(codes[:, 4:], BagOfWords(5).fit_transform([s[:, 3:] for s in sets]))


def test_a_matrix_comes_as_a_table_where_that_is_set(encoder: Any, sets: Sets) -> None:
    plain = encoder.fit_transform(sets)
    table = clone(encoder).set_output(transform="pandas").fit(sets).transform(sets)
    assert list(table.columns) == list(encoder.get_feature_names_out())
    np.testing.assert_array_equal(table.to_numpy(), plain)
