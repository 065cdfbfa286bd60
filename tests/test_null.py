"""Where nothing is to be found: a Gaussian target, on which every model is at the noise floor.

Bounds are those of 8 targets with 2 samples each, and some room: the largest overall score was
1.06 (1.14 of the Gaussian), the largest ratio 1.8 (3.0).
"""

import numpy as np
import pytest

from synth.app.images import Texture
from synth.app.options import Options
from synth.app.runs import generate
from synth.descent import Outcome, drain
from synth.metrics import compare
from synth.transforms.fourier import radial_frequency

SHAPE = (64, 64)
REALS = 8
OPTIONS = Options(
    "gaussian", models=("scattering", "spectra", "full"), samples=2, scales=3, angles=4
)


def gaussian(seed):
    """A Gaussian field of mean 0, with a spectrum that falls."""
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal(SHAPE))
    return np.fft.ifft2(noise / (0.3 + np.fft.ifftshift(radial_frequency(SHAPE)))).real


def skewed(field):
    """The field with a little of its square."""
    standard = (field - field.mean()) / field.std()
    return field.mean() + field.std() * (standard + 0.15 * (standard**2 - 1))


@pytest.fixture(scope="module", params=[0, 100])
def board(request):
    first = request.param
    target, *reals = (gaussian(first + seed) for seed in range(1 + REALS))
    field = target[None].astype(np.float32)
    texture = Texture("gaussian", field[None], (True, True), field.dtype, sha256="")
    result = drain(generate(texture, OPTIONS))
    assert result.outcome is Outcome.CONVERGED
    drawn = {
        name: [candidate.field[0] for candidate in samples]
        for name, samples in result.candidates.items()
    }
    others = {
        "real": [gaussian(first + seed) for seed in range(1 + REALS, 4 + REALS)],
        "skewed": [skewed(gaussian(first + 20)), skewed(target)],
    }
    return compare(target, drawn | others, reals=reals)


@pytest.mark.parametrize("name", ["scattering", "spectra", "full"])
def test_moment_models_are_at_the_noise_floor(board, name):
    score = board.scores[name]
    ratios = np.array(list(score.ratios.values()))
    assert score.overall.max() < 1.1
    assert np.sqrt(np.mean(ratios**2)) < 1  # nearer than another real field, on average
    assert ratios.max() < 2.2
    assert not any(each.copied for each in score.copying)


def test_the_gaussian_is_near_the_noise_floor(board):
    score = board.scores["gaussian"]
    ratios = np.array(list(score.ratios.values()))
    assert score.overall.max() < 1.25
    assert np.sqrt(np.mean(ratios**2)) < 1.3
    assert ratios.max() < 4


def test_what_is_a_little_skewed_is_not(board):
    score = board.scores["skewed"]
    assert score.overall.min() > 1.25
    assert score.overall.min() > board.scores["gaussian"].overall.mean() + 0.1
    for name in ("skewness", "kurtosis", "flatness"):
        assert score.ratios[name].min() > 2.2
