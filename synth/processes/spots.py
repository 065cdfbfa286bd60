"""Spots: bright round spots of one size that keep their distance, as on a leopard moth.

The gray texture of repulsion: disordered, and no two spots close. `_gray_scott` grows them, spots
that divide until the plane is full; this module chooses the pattern.
"""

from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes._gray_scott import settled


def spots(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    wavelength: float = 12.0,
    feed: float = 0.035,
    kill: float = 0.0635,
    age: float = 6000.0,
) -> Float[Array, "h w"]:
    """Return spots, grown by the Gray-Scott equation from a random start.

    ∂u/∂t = D_u Δu - u v² + F (1 - u),  ∂v/∂t = D_v Δv + u v² - (F + k) v; the field is v.

    Args:
        shape: height and width in pixels, any size from 16; on a torus that is narrower than a
            few wavelengths there may be no pattern.
        key: random key; it chooses the beginning.
        wavelength: distance of neighboring rows of spots in pixels, within 6 %; there is one
            spot to about 1.2 squares of that side. Good values 8 to 24, and at most a twentieth
            of the side, so that a picture holds many independent places.
        feed: F, the rate at which the first substance is fed; with `kill` it chooses the pattern:
            round spots at the defaults, larger ones at (0.03, 0.062), and at many other pairs
            nothing at all.
        kill: k, the rate at which the second substance is taken away beyond the feed.
        age: time from the start in units of the equation; spots are evenly spread at 6000, and
            come a little closer to a honeycomb at 20000.

    Returns:
        Concentration of the second substance, shape (height, width): about 0 between the spots
        and 0.35 on them.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> import jax
        >>> spots((32, 48), key=jax.random.key(0), age=100.0).shape
        (32, 48)

    Source: Pearson (1993), Complex patterns in a simple system, Science 261, 189-192.
    """
    return settled(shape, key=key, wavelength=wavelength, feed=feed, kill=kill, age=age)[1]
