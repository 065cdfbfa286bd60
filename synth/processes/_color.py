"""Colors for the processes that paint: palettes, their blends, light and shade.

All of it happens in OKLab, where equal steps look equally large and a straight line between two
colors passes through no surprising third one. OKLab is homogeneous: it is linear in the cube
roots of amounts of light, so a fraction s of the light is a factor s^(1/3) on all three of its
coordinates. A picture is converted to sRGB once, at the end.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

# Rows: linear red, green and blue to the responses of three cones, and their cube roots to OKLab.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def palette(*codes: str) -> Float[np.ndarray, "n 3"]:
    """Return colors in OKLab.

    Args:
        *codes: sRGB colors as six hexadecimal digits, such as `"c8a15a"`.

    Returns:
        Lightness (0 to 1), green to red, blue to yellow (both about -0.4 to 0.4) of each color.

    Example:
        >>> palette("ffffff").round(3)[0, 0].item()
        1.0

    Source: Ottosson (2020), A perceptual color space for image processing (OKLab).
    """
    encoded = np.array([list(bytes.fromhex(code)) for code in codes]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ CONES.T) @ LAB.T


def to_srgb(lab: Float[Array, "*n 3"]) -> Float[Array, "*n 3"]:
    """Return colors of OKLab in sRGB, clipped to what a screen can show.

    Args:
        lab: colors in OKLab, as `palette` returns them.

    Returns:
        Red, green and blue, encoded, between 0 and 1.

    Example:
        >>> to_srgb(jnp.asarray(palette("c8a15a"), jnp.float32)).shape
        (1, 3)

    Source: IEC 61966-2-1 (1999), the encoding of sRGB; Ottosson (2020) for OKLab.
    """
    cones = (lab @ jnp.asarray(np.linalg.inv(LAB).T, jnp.float32)) ** 3
    linear = jnp.clip(cones @ jnp.asarray(np.linalg.inv(CONES).T, jnp.float32), 0, 1)
    # The argument of the power is kept from zero: there the other branch counts.
    curved = 1.055 * jnp.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return jnp.clip(jnp.where(linear <= 0.0031308, 12.92 * linear, curved), 0, 1)


def along(colors: Float[np.ndarray, "n 3"], position: Float[Array, "*m"]) -> Float[Array, "*m 3"]:
    """Return the colors at places of a palette, linearly between its neighbors.

    Args:
        colors: the palette, in OKLab.
        position: 0 at the first color, 1 at the last; what lies outside counts as the end.

    Returns:
        One color for each position, in OKLab.

    Example:
        >>> along(palette("000000", "ffffff"), jnp.array([0.5]))[0, 0].round(2).item()
        0.5
    """
    last = len(colors) - 1
    place = jnp.clip(position, 0, 1) * last
    below = jnp.clip(jnp.floor(place), 0, last - 1).astype(jnp.int32)
    table = jnp.asarray(colors, jnp.float32)
    return mix(table[below], table[below + 1], place - below)


def mix(
    first: Float[Array, "*#m 3"], second: Float[Array, "*#m 3"], share: Float[Array, "*#m"]
) -> Float[Array, "*m 3"]:
    """Return blends of two colors.

    Args:
        first: colors where the share is 0.
        second: colors where it is 1.
        share: how much of the second.

    Returns:
        (1 - share) first + share second.

    Example:
        >>> mix(jnp.zeros((1, 3)), jnp.ones((1, 3)), jnp.array([0.25])).tolist()
        [[0.25, 0.25, 0.25]]
    """
    return first + share[..., None] * (second - first)


def lit(lab: Float[Array, "*#m 3"], light: Float[Array, "*#m"]) -> Float[Array, "*m 3"]:
    """Return colors under another amount of light.

    Args:
        lab: colors in OKLab.
        light: factor on the light that they send, positive.

    Returns:
        The colors in OKLab, of the same hue.

    Example:
        >>> lit(jnp.ones((1, 3)), jnp.array([0.125])).round(3).tolist()
        [[0.5, 0.5, 0.5]]
    """
    return lab * jnp.cbrt(light)[..., None]


def smooth(position: Inexact[Array, "*m"]) -> Float[Array, "*m"]:
    """Return a step from 0 to 1 that begins and ends level.

    Args:
        position: 0 where the step begins, 1 where it ends.

    Returns:
        3 p² - 2 p³, and 0 before, 1 after.

    Example:
        >>> smooth(jnp.array([-1.0, 0.5, 2.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    clipped = jnp.clip(position, 0, 1)
    return clipped**2 * (3 - 2 * clipped)
