"""How stable windowed scattering is: fields that are moved or deformed, and what that changes.

    x, displacement τ ──► x(u − τ(u)) ──► ‖S_J x_τ − S_J x‖, beside ‖|x̂_τ| − |x̂|‖ of Fourier

Norms are those of ``energies``, per pixel. Deformations are NumPy in float64.

Source:
    S. Mallat, "Group invariant scattering", CPAM 65 (2012), Sec. 2; J. Bruna and S. Mallat,
    "Invariant scattering convolution networks", IEEE PAMI 35 (2013), Sec. 2.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from synth.transforms.energies import finely, norms
from synth.transforms.filters import FilterBank
from synth.transforms.scattering import paths

__all__ = [
    "Deformations",
    "Dilations",
    "Translations",
    "deform",
    "deformations",
    "dilations",
    "fourier_modulus",
    "slope",
    "smooth_displacement",
    "translations",
    "wave_packet",
]

Field = Float[np.ndarray, "h w"]
Maps = Float[np.ndarray, "p n m"]
Displacement = Float[np.ndarray, "2 h w"]

_FINER = 4  # times as many points along an axis, between which splines interpolate
_SPLINE = 5  # their order: the shortest wave is then right to 1e-5
_WIDTHS = 8  # standard deviations of a wave packet along the shorter side


class Dilations(NamedTuple):
    """Wave packets x beside the same dilated, x_ε.

    Attributes:
        dilation: ε of x((1 + ε)u).
        frequencies: ξ of the waves, radians per pixel.
        scattering: ‖S_J x_ε − S_J x‖ / ‖x‖ of every wave.
        fourier: ‖|x̂_ε| − |x̂|‖ / ‖x‖ of every wave.
        moduli: |x̂| and |x̂_ε| of the last wave, at frequencies 0 … π along a row that lie closer
            than those of the torus.
        coefficients: √⟨S_J²⟩ / ‖x‖ of |x⋆ψ_{j,0}| and |x_ε⋆ψ_{j,0}|, of the last wave.
    """

    dilation: float
    frequencies: Float[np.ndarray, " f"]
    scattering: Float[np.ndarray, " f"]
    fourier: Float[np.ndarray, " f"]
    moduli: Float[np.ndarray, "2 w_"]
    coefficients: Float[np.ndarray, "2 j"]


class Translations(NamedTuple):
    """A field x beside the same moved by c pixels, x_c.

    Attributes:
        scales: J of every bank.
        shifts: c, pixels.
        distances: ‖S_J x_c − S_J x‖ / ‖x‖.
    """

    scales: tuple[int, ...]
    shifts: tuple[int, ...]
    distances: Float[np.ndarray, "j c"]


class Deformations(NamedTuple):
    """Deformed fields x_τ(u) = x(u − τ(u)), one number each.

    Attributes:
        slopes: ‖∇τ‖∞, as ``slope`` says.
        shifts: ‖τ‖∞, pixels.
        scattering: ‖S_J x_τ − S_J x‖ / ‖x‖.
        fourier: ‖|x̂_τ| − |x̂|‖ / ‖x‖.
        num_scales: J.
    """

    slopes: Float[np.ndarray, " n"]
    shifts: Float[np.ndarray, " n"]
    scattering: Float[np.ndarray, " n"]
    fourier: Float[np.ndarray, " n"]
    num_scales: int

    @property
    def sizes(self) -> Float[np.ndarray, " n"]:
        """‖∇τ‖∞ + 2^−J ‖τ‖∞, a constant multiple of which bounds the distance of scattering."""
        return self.slopes + self.shifts / 2**self.num_scales


def fourier_modulus(field: Field) -> Field:
    """|x̂|, scaled so that its norm is that of the field.

    Args:
        field: one channel, in any unit.

    Example:
        >>> float(norms(fourier_modulus(np.eye(4))[None]).round(6))
        0.5
    """
    return np.abs(np.fft.fft2(field, norm="ortho"))


def deform(field: Field, displacement: Displacement) -> Field:
    """x(u − τ(u)) of a field on the torus.

    Trigonometric interpolation makes the grid finer, splines interpolate between its points.

    Args:
        field: one channel, in any unit.
        displacement: τ, pixels, along rows' and along columns' indices.

    Returns:
        The deformed field; the shortest wave of the grid is right to 1e-5.

    Example:
        >>> field = np.arange(32.0).reshape(4, 8)
        >>> ahead = np.stack([np.zeros((4, 8)), np.ones((4, 8))])
        >>> bool(np.allclose(deform(field, ahead), np.roll(field, 1, axis=1), atol=1e-3))
        True
    """
    from scipy.ndimage import map_coordinates  # slow to import
    from scipy.signal import resample

    fine = field
    for axis, size in enumerate(field.shape):
        fine = np.asarray(resample(fine, _FINER * size, axis=axis))
    places = _FINER * (np.indices(field.shape) - displacement)
    return map_coordinates(fine, places, order=_SPLINE, mode="grid-wrap")


def slope(displacement: Displacement) -> float:
    """‖∇τ‖∞: the larger singular value of the matrix ∇τ(u), at the pixel u where it is largest.

    Args:
        displacement: τ on the torus, pixels; its derivatives are those of the trigonometric
            interpolation.

    Example:
        >>> wave = np.sin(2 * np.pi * np.arange(32) / 32) * np.ones((32, 1))
        >>> round(slope(np.stack([wave, wave])) * 32 / (2 * np.pi), 6)
        1.414214
    """
    waves = np.meshgrid(
        *(2 * np.pi * np.fft.fftfreq(n) for n in displacement.shape[1:]), indexing="ij"
    )
    spectra = np.fft.fft2(displacement)
    jacobian = np.array([np.fft.ifft2(1j * wave * spectra).real for wave in waves])
    return float(np.linalg.norm(jacobian, 2, axis=(0, 1)).max())


def smooth_displacement(
    shape: tuple[int, int], steepest: float, rng: np.random.Generator, *, cycles: int = 3
) -> Displacement:
    """A random displacement of mean 0, whose Fourier coefficients at |k|∞ ≤ ``cycles`` are normal.

    Args:
        shape: height and width, pixels.
        steepest: ‖∇τ‖∞, the ``slope`` that it is scaled to.
        rng: source of the coefficients.
        cycles: waves along an axis, at most.

    Returns:
        τ, pixels.

    Example:
        >>> tau = smooth_displacement((32, 48), 0.1, np.random.default_rng(0))
        >>> round(slope(tau), 6)
        0.1
    """
    kept = [np.abs(np.fft.fftfreq(n, 1 / n)) <= cycles for n in shape]
    low = np.outer(*kept)
    low[0, 0] = False
    waves = np.fft.ifft2(np.fft.fft2(rng.standard_normal((2, *shape))) * low).real
    return steepest / slope(waves) * waves


def wave_packet(shape: tuple[int, int], frequency: float, dilation: float = 0) -> Field:
    """x((1 + ε)u), x(u) = cos(ξu₂) exp(−|u|²/2σ²) about the middle, σ an eighth of a side.

    Args:
        shape: height and width, pixels.
        frequency: ξ of the wave, which runs along a row, radians per pixel.
        dilation: ε.

    Example:
        >>> float(wave_packet((32, 32), np.pi)[16, 17].round(3))
        -0.969
    """
    middle = np.array(shape).reshape(2, 1, 1) // 2
    along = (1 + dilation) * (np.indices(shape) - middle)
    width = min(shape) / _WIDTHS
    return np.cos(frequency * along[1]) * np.exp(-np.square(along).sum(0) / (2 * width**2))


def dilations(
    bank: FilterBank, frequencies: Sequence[float] | Float[np.ndarray, " f"], dilation: float
) -> Dilations:
    """Distances of wave packets from the same dilated, by the frequency of the wave, order 2.

    Fourier sees a wave of frequency ξ move by εξ, and by more than its width if ξ is high; its
    distance is of order 1 whatever ε. Wavelets are as wide as ξ, so scattering moves by order ε.

    Args:
        bank: any bank.
        frequencies: ξ, radians per pixel; above 0.8π, waves meet their mirror images at π, and
            the pixels, not the wavelets, limit what is seen.
        dilation: ε.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> found = dilations(morlet_bank((64, 64), num_scales=4, num_angles=4), [0.2, 2.3], 0.05)
        >>> bool(found.fourier[1] > 4 * found.fourier[0] and max(found.scattering) < 0.2)
        True

    Source:
        S. Mallat (2012), Sec. 1; J. Bruna and S. Mallat (2013), Sec. 2.
    """
    waves = [[wave_packet(bank.shape, xi, e) for e in (0, dilation)] for xi in frequencies]
    maps = [[finely(x, bank) for x in pair] for pair in waves]
    table = paths(bank)
    along = [k for k, p in enumerate(table) if p[0] == 1 and p.scales[0] >= 0 == p.angles[0]]
    return Dilations(
        dilation,
        np.asarray(frequencies, np.float64),
        np.array([_distance(s, t, x) for (s, t), (x, _) in zip(maps, waves, strict=True)]),
        np.array([_fourier_distance(x, y) for x, y in waves]),
        np.stack([_along_a_row(x) for x in waves[-1]]),
        np.stack([norms(each[along, None]) for each in maps[-1]]) / norms(waves[-1][0][None]),
    )


def translations(field: Field, banks: Sequence[FilterBank], shifts: Sequence[int]) -> Translations:
    """Distances of a field from the same moved along its rows, order 2.

    The bound is ‖S_J x_c − S_J x‖ ≤ C 2^−J c ‖x‖, C = √3 sup_ω 2^J |ω φ̂_J(ω)|: the maps of three
    layers, none of a larger norm than x, move, and φ_J averages them. C is 2.6 of a plain bank,
    3.4 at most of a tight one.

    Args:
        field: one channel on the torus.
        banks: of the field's shape, with J = 1, 2, …, say.
        shifts: c, pixels.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> field = np.random.default_rng(0).standard_normal((32, 32))
        >>> found = translations(field, [morlet_bank((32, 32), 3, 4)], [0, 1])
        >>> bool(found.distances[0, 0] == 0 and found.distances[0, 1] < 3.4 / 2**3)
        True

    Source:
        S. Mallat (2012), Theorem 2.10.
    """
    moved = [np.roll(field, c, axis=1) for c in shifts]
    distances = [
        [_distance(maps, finely(each, bank), field) for each in moved]
        for bank in banks
        for maps in [finely(field, bank)]
    ]
    return Translations(
        tuple(bank.num_scales for bank in banks), tuple(shifts), np.array(distances)
    )


def deformations(
    fields: Float[np.ndarray, "n h w"],
    displacements: Float[np.ndarray, "n 2 h w"],
    banks: Sequence[FilterBank],
) -> list[Deformations]:
    """Distances of fields from the same deformed, order 2, for every bank.

    The bound is ‖S_J x_τ − S_J x‖ ≤ C (‖∇τ‖∞ + 2^−J ‖τ‖∞) ‖x‖; that of the theorem has a term of
    second derivatives too, which those of few waves do not need.

    Args:
        fields: one channel each on the torus.
        displacements: τ of every field, pixels.
        banks: of the fields' shape.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> rng = np.random.default_rng(0)
        >>> tau = smooth_displacement((32, 32), 0.1, rng)
        >>> bank = morlet_bank((32, 32), num_scales=3, num_angles=4)
        >>> (found,) = deformations(rng.standard_normal((1, 32, 32)), tau[None], [bank])
        >>> bool(found.scattering[0] < found.sizes[0] < 2 * found.fourier[0])
        True

    Source:
        S. Mallat (2012), Theorem 2.12.
    """
    pairs = [(x, deform(x, tau)) for x, tau in zip(fields, displacements, strict=True)]
    slopes = np.array([slope(each) for each in displacements])
    shifts = np.hypot(displacements[:, 0], displacements[:, 1]).max((1, 2))
    fourier = np.array([_fourier_distance(x, y) for x, y in pairs])

    def scattering(bank: FilterBank) -> Float[np.ndarray, " n"]:
        return np.array([_distance(finely(x, bank), finely(y, bank), x) for x, y in pairs])

    return [
        Deformations(slopes, shifts, scattering(bank), fourier, bank.num_scales) for bank in banks
    ]


def _along_a_row(field: Field) -> Float[np.ndarray, " w_"]:
    """|x̂(0, ω₂)| of a field that vanishes at its borders, between the frequencies of the torus."""
    lines = np.fft.rfft(field.sum(0), _FINER * field.shape[1])
    return np.abs(lines) / np.sqrt(field.size)


def _distance(maps: Maps, others: Maps, field: Field) -> float:
    return float(norms(maps - others) / norms(field[None]))


def _fourier_distance(field: Field, other: Field) -> float:
    return _distance(fourier_modulus(field)[None], fourier_modulus(other)[None], field)
