"""A material in seven channels: color, normal and height of a floor of rounded cobbles.

The texture whose channels are views of one surface: the normal is the gradient of the height, and
stones and joints differ in color. `_cells` supplies the stones, `_grid` what is rough.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes._cells import Cells, Seeds, even_out, look, scatter
from synth.processes._check import check_positive, check_shape, check_within
from synth.processes._color import along, lit, mix, palette, smooth, to_srgb
from synth.processes._grid import cloud

# Slate, granite, sandstone, brick; then what lies in the joints, from earth to moss.
STONES = palette("4c5560", "77787a", "9a917f", "b3956c", "a0735a", "7d5348")
JOINTS = palette("2b241d", "3d3527", "4a4b26")
# Corners are rounded over this share of a stone's spacing.
ROUNDING = 0.035


class Stones(eqx.Module):
    """What is drawn for each stone; heights are shares of the relief."""

    hue: Float[Array, "n"]
    light: Float[Array, "n"]
    top: Float[Array, "n"]
    tilt: Float[Array, "n 2"]


class Surface(eqx.Module):
    """What every pixel is: how much of it is stone, and its height as a share of the relief."""

    stone: Float[Array, "h w"]
    height: Float[Array, "h w"]


class Sizes(eqx.Module):
    """Lengths in pixels, and the share that is rough."""

    joint: Float[Array, ""]
    relief: Float[Array, ""]
    roughness: Float[Array, ""]


def material(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    cell: float = 32.0,
    joint: float = 4.0,
    relief: float = 8.0,
    roughness: float = 0.05,
    rounds: int = 5,
) -> Float[Array, "7 h w"]:
    """Return a floor of cobbles: albedo, normals and height.

    The height is z = relief · (dome of the distance to the joint + tilt + noise), and the normal
    n = (-∂z/∂x, -∂z/∂y, 1) / |…|, x to the right and y up, by central differences on the torus.

    Args:
        shape: height and width in pixels, any size from 16.
        key: random key; it chooses the stones, their colors and tilts, and the noise.
        cell: side of a square of a stone's mean area, in pixels; good values 20 to 64.
        joint: width of the joints in pixels; good values 2 to cell / 6.
        relief: height of the stones over the joints in pixels; good values 4 to cell / 2; above
            that most of a stone is a slope.
        roughness: standard deviation of the noise on the stones, as a share of the relief; good
            values 0.02 to 0.15.
        rounds: moves of the stones' seeds to the centers of their cells (Lloyd); good values 1
            to 8.

    Returns:
        Seven channels, shape (7, height, width): red, green and blue of the albedo (sRGB,
        encoded, between 0 and 1); x, y and z of the normal, of length one, in the picture's frame
        (x right, y up, z towards the viewer); the height in pixels.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> material((16, 24), key=jax.random.key(0), cell=8.0, joint=1.5).shape
        (7, 16, 24)

    Source: Worley (1996), A cellular texture basis function, SIGGRAPH 96, 291-294 (heights from
        distances in cells); Blinn (1978), Simulation of wrinkled surfaces, SIGGRAPH 78, 286-292
        (normals from heights).
    """
    height, width = check_shape(shape)
    check_positive(cell=cell, joint=joint, relief=relief)
    check_within(0.0, 1.0, roughness=roughness)
    check_within(0.0, 1000.0, rounds=rounds)
    place, kind, noise = jax.random.split(key, 3)
    seeds = even_out(scatter((height, width), cell, key=place), jnp.int32(rounds))
    sizes = Sizes(jnp.float32(joint), jnp.float32(relief), jnp.float32(roughness))
    return _pave(seeds, _choose(len(seeds.points), key=kind), sizes, key=noise)


def normals(height: Float[Array, "h w"]) -> Float[Array, "3 h w"]:
    """Return the unit normals of a surface on the torus.

    n = (-∂z/∂x, -∂z/∂y, 1) / |…|, with y up, against the rows; differences are central.

    Args:
        height: z in pixels.

    Returns:
        x (right), y (up) and z (towards the viewer) of the normals, shape (3, height, width).

    Example:
        >>> normals(jnp.zeros((16, 24)))[:, 0, 0].tolist()
        [0.0, 0.0, 1.0]

    Source: Blinn (1978), Simulation of wrinkled surfaces, SIGGRAPH 78, 286-292.
    """
    down, right = ((jnp.roll(height, -1, axis) - jnp.roll(height, 1, axis)) / 2 for axis in (0, 1))
    direction = jnp.stack([0.0 - right, down, jnp.ones_like(height)])
    return direction / jnp.sqrt(jnp.sum(direction**2, axis=0))


def _choose(count: int, *, key: PRNGKeyArray) -> Stones:
    hue, light, top, tilt = jax.random.split(key, 4)
    return Stones(
        hue=jax.random.uniform(hue, (count,)),
        light=jnp.exp(0.22 * jax.random.normal(light, (count,))),
        top=jax.random.uniform(top, (count,), minval=0.75, maxval=1.0),
        tilt=0.25 * jax.random.normal(tilt, (count, 2)),
    )


@eqx.filter_jit
def _pave(
    seeds: Seeds, stones: Stones, sizes: Sizes, *, key: PRNGKeyArray
) -> Float[Array, "7 h w"]:
    shape, spacing = seeds.shape, seeds.spacing()
    scales = ((spacing / 2, 3.4), (spacing / 6, 2.6), (4.0, 2.0), (2 * spacing, 4.0))
    keys = jax.random.split(key, len(scales))
    clouds = [
        cloud(shape, outer, slope=slope, key=each)
        for (outer, slope), each in zip(scales, keys, strict=True)
    ]
    cells = look(seeds, rounding=jnp.float32(ROUNDING * spacing))
    surface = _shape(cells, stones, sizes, spacing, clouds)
    albedo = _color(cells, stones, surface, clouds)
    height = sizes.relief * surface.height
    return jnp.concatenate([jnp.moveaxis(albedo, -1, 0), normals(height), height[None]])


def _shape(
    cells: Cells,
    stones: Stones,
    sizes: Sizes,
    spacing: float,
    clouds: list[Float[Array, "h w"]],
) -> Surface:
    """Return stones over joints, as shares of the relief."""
    undulation, pits, grain, _ = clouds
    # Noise moves the rim, so that no joint is straight.
    rim = cells.wall - sizes.joint / 2 + 0.015 * spacing * undulation
    inward = jnp.clip(rim / (0.4 * spacing), 0, 1)
    dome = jnp.sqrt(1 - (1 - inward) ** 2.5 + 1e-4) - 0.01
    stone = smooth(0.5 + rim / 2.5)
    slope = jnp.sum(stones.tilt[cells.number] * cells.way, axis=-1) / spacing
    rough = sizes.roughness * (0.7 * undulation + 0.7 * pits + 0.12 * grain)
    top = dome * (stones.top[cells.number] + slope + rough)
    joint = 0.06 + sizes.roughness * (0.25 * pits + 0.15 * grain)
    height = joint + stone * (jnp.maximum(top, joint) - joint)
    return Surface(stone, height)


def _color(
    cells: Cells, stones: Stones, surface: Surface, clouds: list[Float[Array, "h w"]]
) -> Float[Array, "h w 3"]:
    """Return the albedo: each stone of its own color, stained, pale where worn; dark joints."""
    undulation, pits, grain, stain = clouds
    stone = along(STONES, stones.hue[cells.number] + 0.05 * stain + 0.03 * undulation)
    worn = smooth(surface.height)
    light = stones.light[cells.number] * (0.45 + 0.75 * worn)
    speckle = jnp.exp(0.10 * pits + 0.16 * grain)
    joint = lit(along(JOINTS, 0.5 + 0.3 * stain + 0.1 * pits), jnp.exp(0.3 * grain))
    return to_srgb(mix(joint, lit(stone, light * speckle), surface.stone))
