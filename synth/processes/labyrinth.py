"""A labyrinth: bright walls of one width that bend, branch and end, as on a brain coral.

The gray texture of one wavelength and no direction. `_gray_scott` grows it; this module chooses
the pattern.
"""

from jaxtyping import Array, Float, PRNGKeyArray

from synth.processes._gray_scott import settled


def labyrinth(
    shape: tuple[int, int],
    *,
    key: PRNGKeyArray,
    wavelength: float = 12.0,
    feed: float = 0.037,
    kill: float = 0.06,
    age: float = 4000.0,
) -> Float[Array, "h w"]:
    """Return a labyrinth, grown by the Gray-Scott equation from a random start.

    ∂u/∂t = D_u Δu - u v² + F (1 - u),  ∂v/∂t = D_v Δv + u v² - (F + k) v; the field is v.

    Args:
        shape: height and width in pixels, any size from 16; on a torus that is narrower than a
            few wavelengths there may be no pattern.
        key: random key; it chooses the beginning.
        wavelength: distance of neighboring walls in pixels, within 6 %; good values 8 to 24, and
            at most a twentieth of the side, so that a picture holds many independent places.
        feed: F, the rate at which the first substance is fed; with `kill` it chooses the pattern:
            dense walls with few gaps at the defaults, more open ends at (0.029, 0.057), and at
            many other pairs nothing at all.
        kill: k, the rate at which the second substance is taken away beyond the feed.
        age: time from the start in units of the equation; walls fill the plane at 2000, and
            their ends still grow and join at 4000; good values 2000 to 10000.

    Returns:
        Concentration of the second substance, shape (height, width): about 0.02 in the gaps and
        0.35 on the walls.

    Raises:
        InputError: the shape is too small, or a number is outside its range.

    Example:
        >>> import jax
        >>> labyrinth((32, 48), key=jax.random.key(0), age=100.0).shape
        (32, 48)

    Source: Pearson (1993), Complex patterns in a simple system, Science 261, 189-192.
    """
    return settled(shape, key=key, wavelength=wavelength, feed=feed, kill=kill, age=age)[1]
