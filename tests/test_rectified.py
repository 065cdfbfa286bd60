"""Covariances of rectified waves: against the oracle, in closed form, laws, borders and holes."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from fields import picture, white

from synth import EXACT, fit, joint, morlet_bank
from synth.errors import InputError
from synth.statistics import RectifiedCovariances
from synth.transforms.rectified import num_rectified, rectified, shifts
from synth.transforms.wavelets import XI
from synth.transforms.weighted import Observation, rectified_weighted
from synth.transforms.windows import centered_spectrum, right_half


def measure(field, bank, reach=1, octaves=2):
    return rectified(jnp.asarray(field, jnp.float32), bank, reach=reach, octaves=octaves)


@pytest.mark.parametrize(("shape", "num_angles"), [((48, 64), 4), ((45, 50), 3)])
@pytest.mark.parametrize("name", ["white", "turbulence"])
def test_agrees_with_the_oracle(shape, num_angles, name):
    field = white(shape) if name == "white" else picture(name, shape)
    bank = morlet_bank(shape, 3, num_angles, oversampling=EXACT)
    wavelets, *_ = oracles.bank(shape, 3, num_angles)
    wanted = oracles.rectified(field, wavelets, 1, [shifts(k, 2) for k in range(3)])
    found = measure(field, bank)
    for k, products in enumerate(found.products):
        size = np.abs(wanted[k]).max()
        np.testing.assert_allclose(products, wanted[k], atol=2e-5 * size)


def test_a_plane_wave_correlates_with_itself_as_a_cosine():
    # relu(A cos θ) = A/π + (A/2) cos θ + even harmonics: the second and fourth lie beyond the
    # octave, and the sixth, of 0.04 A, is folded into it.
    shape, scale, cycles = (32, 64), 1, 12
    field = np.cos(2 * np.pi * cycles * np.arange(64) / 64) * np.ones(shape)
    assert abs(2 * np.pi * cycles / 64 - XI / 2) < 1e-6
    bank = morlet_bank(shape, 2, 4, oversampling=EXACT)
    products = measure(field, bank, reach=0, octaves=3).products[scale][0, :, 0, :, 0]
    gain = np.sqrt(8 * products[0, 0])
    phases = np.arange(4) * np.pi / 2
    for column, (_, x) in enumerate(shifts(scale, 3)):
        wanted = gain**2 / 8 * np.cos(2 * np.pi * cycles * x / 64 + phases)
        found, size = products[:, column], gain**2 / 8
        np.testing.assert_allclose(found[::2], wanted[::2], atol=0.01 * size)
        # A Morlet wavelet sees 3 % of the opposite wave: sine and cosine differ by 6 %.
        np.testing.assert_allclose(found[1::2], wanted[1::2], atol=0.07 * size)


def test_shifts_of_the_field_change_nothing_and_units_as_squares():
    bank, field = morlet_bank((64, 64), 3, 4), picture("foam", (64, 64))
    one = measure(field, bank)
    for other, factor in ((np.roll(field, (8, -16), (0, 1)), 1), (3 * field + 5, 9)):
        for a, b in zip(measure(other, bank).products, one.products, strict=True):
            np.testing.assert_allclose(a, factor * b, atol=factor * 1e-5)


def test_half_a_turn_exchanges_phases_and_an_edge_is_no_line():
    edge = np.tile(np.repeat([0.0, 1.0], 16), (32, 1))
    bank = morlet_bank((32, 32), 2, 4, oversampling=EXACT)
    own, opposite = (measure(sign * edge, bank).products[1][-1, :, 0, 0, 0] for sign in (1, -1))
    assert abs(own[1] - own[3]) < 1e-6
    np.testing.assert_allclose(own[0], opposite[0], atol=1e-6)  # it rises here and falls there
    line = np.zeros((32, 32))
    line[:, 8:11] = 1
    bright, dark = (measure(sign * line, bank).products[1][-1, 0, 0, 0, 0] for sign in (1, -1))
    assert bright > 1.5 * dark


@pytest.mark.parametrize("reach", [0, 2])
def test_the_number_is_as_told(reach):
    bank = morlet_bank((32, 48), 3, 2)
    products = measure(white((32, 48)), bank, reach, 2).products
    assert sum(each.size for each in products) == num_rectified(3, 2, reach=reach, octaves=2)
    assert len(set(shifts(1, 3))) == 13
    assert max(shifts(1, 3)) == (8, 8)


@pytest.mark.parametrize("size", [16, 32, 64, 128, 256, 512])
@pytest.mark.parametrize("angles", [2, 4])
def test_the_model_has_at_most_a_quarter_as_many_numbers_as_pixels(size, angles):
    part = joint("rectified", shape=(size, size), angles=angles).parts["rectified"]
    bank, sizes = part.bank, {"reach": part.reach, "octaves": part.octaves}
    count = num_rectified(bank.num_scales, bank.num_angles, **sizes)
    assert count <= size**2 / 4
    assert count >= size**2 / 16 or (part.reach, part.octaves) == (2, 4)
    assert max(map(max, shifts(bank.num_scales - 1, part.octaves))) <= size / 2


@pytest.mark.parametrize(("size", "near"), [(64, (0, 1)), (128, (2, 1)), (256, (2, 1))])
def test_beside_spectra_they_are_near(size, near):
    both, far = (
        joint(*names, shape=(size, size)).parts["rectified"]
        for names in (("full+rectified",), ("full+rectified", "rectified"))
    )
    assert (both.reach, both.octaves) == near
    assert far.octaves >= both.octaves
    assert far.octaves == joint("rectified", shape=(size, size)).parts["rectified"].octaves


def test_too_many_angles_for_a_small_picture_are_refused():
    with pytest.raises(
        InputError, match="2 scales and 16 angles are more than a quarter of 32 × 32"
    ):
        joint("rectified", shape=(32, 32), angles=16)


def test_smaller_fields_have_fewer_of_the_same():
    field = picture("foam", (256, 256))
    large = joint("rectified", shape=(256, 256), scales=4).parts["rectified"]
    small = large.on((64, 64))
    assert (small.reach, small.octaves) < (large.reach, large.octaves)
    moments = jax.jit(lambda descriptor, x: descriptor(x))(large, field)
    carried = large.carried(moments, (64, 64))
    own = jax.jit(lambda descriptor, x: descriptor(x))(small, field[:64, :64])
    assert jax.tree.map(jnp.shape, carried) == jax.tree.map(jnp.shape, own)
    for few, all_ in zip(carried.products, moments.products, strict=True):
        np.testing.assert_array_equal(few[-1, :, :, 0], all_[-1, :, :, 0])
    assert large.on((512, 256)).octaves == large.octaves


def test_coarser_maps_give_nearly_the_same():
    field = picture("foam", (256, 256))
    part = RectifiedCovariances(morlet_bank((256, 256), 5, 4), reach=1, octaves=1)
    exact = part.sampled(EXACT)
    assert part.bank.first[-1].grid != exact.bank.first[-1].grid
    found = jax.jit(lambda descriptor, x: descriptor(x))
    fast, slow = found(part, field), found(exact, field)
    assert part.residual(fast, slow)["rectified"] < 3e-3


def test_of_a_whole_picture_on_the_torus_weights_change_nothing():
    bank, field = morlet_bank((48, 64), 3, 4), jnp.asarray(picture("foam", (48, 64)))
    whole = Observation(field, jnp.ones(field.shape), jnp.asarray([True, True]))
    weighted = rectified_weighted(whole, bank, reach=1, octaves=2)
    for a, b in zip(weighted.products, measure(field, bank).products, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("holed", [False, True])
def test_borders_and_holes_do_not_bias(holed):
    shape, size = (192, 192), 96
    part = RectifiedCovariances(morlet_bank((size, size), 3, 4), reach=1, octaves=2)
    whole = jax.jit(RectifiedCovariances(morlet_bank(shape, 3, 4), reach=1, octaves=2).__call__)
    known = np.ones((size, size))
    if holed:
        known[20:34, 50:70] = 0
    seen, true = [], []
    for seed in range(12):
        noise = np.random.default_rng(seed).gamma(2.0, size=shape)
        field = sum(np.roll(noise, (i, j), (0, 1)) for i in range(3) for j in range(3))
        field = (field - field.mean()) / field.std()
        window = jnp.asarray(np.where(known > 0, field[:size, :size], 0), jnp.float32)
        observation = Observation(window, jnp.asarray(known), jnp.asarray([False, False]))
        seen.append(part.observe(observation))
        true.append(whole(jnp.asarray(field, jnp.float32)))
    mean = [jax.tree.map(lambda *leaves: sum(leaves) / 12, *each) for each in (seen, true)]
    spread = np.sqrt(np.mean([part.residual(one, mean[0])["rectified"] ** 2 for one in seen]))
    assert part.residual(mean[0], mean[1])["rectified"] < 0.6 * spread


def test_a_model_of_it_is_fitted_and_carried_to_another_shape():
    model = fit(joint("rectified", shape=(64, 64), scales=3), picture("foam", (64, 64)))
    larger = model.on((96, 128))
    assert (
        larger.descriptor.parts["rectified"].octaves == model.descriptor.parts["rectified"].octaves
    )
    loss, residual = larger.loss(larger.start(key=jax.random.key(0)))
    assert np.isfinite(loss)
    assert residual["rectified"] > model.noise["rectified"]


@pytest.mark.parametrize("shape", [(8, 1), (9, 2), (6, 3), (7, 4), (16, 12), (15, 13)])
@pytest.mark.parametrize("box", [(1, 1), (5, 3), (7, 7), (31, 33)])
def test_a_right_half_is_that_of_the_centered_spectrum(shape, box):
    maps, columns = white(shape), box[1] // 2
    with jax.enable_x64(True):
        maps = jnp.asarray(maps, jnp.float64)

        def halves(maps):
            return right_half(maps, box), centered_spectrum(maps, box)[..., columns:]

        own, other = halves(maps)
        np.testing.assert_allclose(own, other, atol=1e-14)
        weights = np.random.default_rng(1).normal(size=(2, *own.shape))

        def slope(number):
            def total(maps):
                half = halves(maps)[number]
                return jnp.sum(weights[0] * half.real + weights[1] * half.imag)

            return jax.grad(total)(maps)

        np.testing.assert_allclose(slope(0), slope(1), atol=1e-13)


def test_of_several_channels_each_has_its_own_beside_spectra():
    parts = joint("full+rectified", shape=(32, 32), channels=3, scales=2, angles=2).parts
    assert parts["moments"].first == 1
    assert parts["rectified"].first is None
