"""What the processes in color share: colors and their blends, clouds, cells."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synth.processes._cells import even_out, look, scatter
from synth.processes._color import along, lit, mix, palette, smooth, to_srgb
from synth.processes._grid import cloud

# Colors


def test_oklab_has_its_published_values():
    # Ottosson's table: white, and sRGB's red and blue.
    expected = [[1, 0, 0], [0.62796, 0.22486, 0.12585], [0.45201, -0.03246, -0.31153]]
    np.testing.assert_allclose(palette("ffffff", "ff0000", "0000ff"), expected, atol=1e-4)


def test_to_srgb_inverts_palette():
    codes = ["000000", "ffffff", "c8a15a", "010203", "23427f"]
    expected = [[c / 255 for c in bytes.fromhex(code)] for code in codes]
    found = to_srgb(jnp.asarray(palette(*codes), jnp.float32))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_an_eighth_of_the_light_is_half_of_the_coordinates():
    half = lit(jnp.asarray(palette("ffffff"), jnp.float32), jnp.array([0.125]))
    encoded = 1.055 * 0.125 ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(to_srgb(half), np.full((1, 3), encoded), atol=1e-3)


def test_blends_meet_their_ends():
    colors = palette("23427f", "c9b458", "7d2a45")
    found = along(colors, jnp.array([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0]))
    middle = (colors[0] + colors[1]) / 2
    expected = [colors[0], colors[0], middle, colors[1], colors[2], colors[2]]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    ends = jnp.asarray(colors[:2], jnp.float32)
    np.testing.assert_allclose(mix(ends[0], ends[1], jnp.array(1.0)), ends[1], atol=1e-6)
    np.testing.assert_allclose(smooth(jnp.array([-1.0, 0.25, 9.0])), [0, 0.15625, 1])


@pytest.mark.parametrize("shape", [(64, 81), (64, 80)])
def test_clouds_have_variance_one_and_their_slope(shape):
    fields = np.stack([cloud(shape, 16.0, slope=3.0, key=jax.random.key(s)) for s in range(16)])
    assert np.mean(fields**2) == pytest.approx(1, rel=0.05)
    assert abs(fields.mean()) < 1e-4
    power = np.mean(np.abs(np.fft.fft2(fields)) ** 2, axis=0)
    radius = np.hypot(*(2 * np.pi * np.fft.fftfreq(n).reshape(-1, *[1] * (1 - axis))
                        for axis, n in enumerate(shape)))  # fmt: skip
    law = (radius**2 + (2 * np.pi / 16) ** 2) ** -1.5
    ratio = [np.mean((power / law)[(radius > a) & (radius < 1.5 * a)]) for a in (0.3, 0.8, 2.0)]
    np.testing.assert_allclose(ratio, np.mean(ratio), rtol=0.2)


# Cells


def slow_cells(points, shape):
    """Return number, and distance to the closest bisector, by all seeds of all nine tori."""
    shifts = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 2, indexing="ij"), -1).reshape(-1, 1, 2)
    tiled = (points + shifts * np.array(shape)).reshape(-1, 2)
    pixels = np.stack(np.indices(shape), -1)[:, :, None]
    squares = np.sum((pixels - tiled) ** 2, -1)
    nearest = squares.argmin(-1)
    between = np.linalg.norm(tiled[nearest][:, :, None] - tiled, axis=-1)
    bisectors = (squares - squares.min(-1, keepdims=True)) / (2 * between + (between == 0))
    return nearest % len(points), np.where(between > 0, bisectors, np.inf)


def test_cells_agree_with_all_seeds():
    seeds = even_out(scatter((40, 53), 9.0, key=jax.random.key(1)), jnp.int32(1))
    cells = look(seeds)
    number, bisectors = slow_cells(np.asarray(seeds.points, np.float64), (40, 53))
    assert np.mean(cells.number == number) > 0.999
    np.testing.assert_allclose(cells.wall, bisectors.min(-1), atol=1e-3)
    away = np.indices((40, 53)).transpose(1, 2, 0) - np.asarray(seeds.points)[number]
    away -= np.array([40, 53]) * np.round(away / np.array([40, 53]))
    assert np.mean(np.abs(away - cells.way) < 1e-3) > 0.999


def test_rounded_distances_are_smaller_and_sum_over_all_walls():
    seeds = even_out(scatter((48, 53), 7.0, key=jax.random.key(1)), jnp.int32(1))
    sharp, rounded = look(seeds), look(seeds, rounding=jnp.float32(0.5))
    bisectors = slow_cells(np.asarray(seeds.points, np.float64), (48, 53))[1]
    expected = -0.5 * np.log(np.sum(np.exp(-bisectors / 0.5), -1))
    np.testing.assert_allclose(rounded.wall, expected, atol=2e-3)
    assert np.all(np.asarray(rounded.wall) <= np.asarray(sharp.wall) + 1e-4)
