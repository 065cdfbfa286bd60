"""Where the energy of a field is in its scattering, what is left out, by how much it may grow.

    ‖x‖² = Σ orders ‖S_J x‖² + scales that do not grow + what no wavelet sees + longer paths

A norm here is that per pixel, the root of a mean square: norms of a field, of its Fourier modulus
and of its maps on whatever grid then are of one unit. All but ``scatter_local`` is NumPy in
float64.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from synth.errors import InputError
from synth.transforms.filters import EXACT, Band, FilterBank
from synth.transforms.littlewood_paley import littlewood_paley
from synth.transforms.scattering import paths
from synth.transforms.windowed import scatter_local

__all__ = ["Shares", "energies", "energy_shares", "expansion", "finely", "norms"]

Field = Float[np.ndarray, "h w"]
Maps = Float[np.ndarray, "*b p n m"] | Float[Array, "*b p n m"]

_POINTS = 4  # per 2^J pixels: enough for the squares of maps


class Shares(NamedTuple):
    """Where the energy ‖x‖² of a field is found again, as shares of it; they add up to 1.

    Attributes:
        orders: averaged by φ_J, per order 0, 1, …; the residual band belongs to order 1.
        growing: in paths whose scale does not grow, j₁ ≥ j₂, which are not computed.
        unseen: seen by no wavelet of a layer: the residual band, beyond its own average.
        deeper: in longer paths.
    """

    orders: Float[np.ndarray, " o"]
    growing: float
    unseen: float
    deeper: float


def norms(maps: Maps) -> Float[np.ndarray, "*b"]:
    """√(Σ_p ⟨S_p²⟩) of the maps of every picture, means over the grid.

    Args:
        maps: of p paths on any grid, leading axes are pictures; a field is one map.

    Example:
        >>> float(norms(np.full((4, 8, 8), 3.0)))
        6.0
    """
    return np.asarray(np.sqrt(np.square(maps, dtype=np.float64).mean((-2, -1)).sum(-1)))


def finely(field: Field, bank: FilterBank, max_order: int = 2) -> Float[np.ndarray, "p n m"]:
    """Maps of ``scatter_local`` on a grid that is fine enough for the means of their squares.

    Args:
        field: one channel, on the torus or to be reflected, as the bank's shape says.
        bank: for it.
        max_order: wavelets on the longest path.

    Returns:
        The maps, 2^J/4 pixels apart, or every pixel.
    """
    stride = max(1, 2**bank.num_scales // _POINTS)
    several = jnp.asarray(field, bank.lowpass.filters.dtype)
    return np.asarray(scatter_local(several, bank, stride=stride, max_order=max_order))


def energies(
    maps: Float[np.ndarray, "p n m"] | Float[Array, "p n m"], bank: FilterBank, max_order: int = 2
) -> Float[np.ndarray, " o"]:
    """Σ_p ⟨S_p²⟩ over the paths of each order, the residual band in order 1.

    Args:
        maps: at a stride of at most 2^J/4, as by ``finely``.
        bank: of the maps.
        max_order: of the maps.

    Returns:
        Energies of order 0, 1, …, in the square of the field's unit.

    Raises:
        InputError: if there are not as many maps as ``paths(bank, max_order)``.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> bank = morlet_bank((32, 32), num_scales=2, num_angles=4)
        >>> energies(scatter_local(jnp.full((32, 32), 3.0), bank), bank).round(4)
        array([9., 0., 0.])
    """
    table = paths(bank, max_order)
    if len(maps) != len(table):
        raise InputError(
            f"There are {len(maps)} maps but {len(table)} paths up to order {max_order}: pass "
            "the bank and the max_order that the maps were made with."
        )
    squares = np.square(maps, dtype=np.float64).mean((-2, -1))
    return np.bincount([path.order for path in table], squares, max_order + 1)


def energy_shares(field: Field, bank: FilterBank, max_order: int = 3) -> Shares:
    """Energy that the windowed maps of each order hold, and where the rest of it is.

    A tight bank keeps the energy of every layer: ‖u‖² = ‖u⋆φ_J‖² + Σ ‖u⋆ψ_{k,m}‖² + ‖u⋆r‖² of
    a map u = |…⋆ψ_j|. Of these, ``scatter_local`` averages the first, transforms those of k > j
    once more and leaves out the others.

    Args:
        field: one channel, in any unit, on the torus; with its mean or without.
        bank: of the field's shape; the rest is that of its filters without subsampling.
        max_order: wavelets on the longest path, 1 to 3.

    Returns:
        Shares of ‖x‖².

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> field = np.random.default_rng(0).standard_normal((32, 32))
        >>> shares = energy_shares(field, morlet_bank((32, 32), num_scales=3))
        >>> bool(abs(shares.orders.sum() + sum(shares[1:]) - 1) < 1e-5)
        True

    Source:
        S. Mallat, "Group invariant scattering", CPAM 65 (2012), Theorem 2.6; J. Bruna and
        S. Mallat, "Invariant scattering convolution networks", IEEE PAMI 35 (2013), Table 1.
    """
    maps = finely(field, bank, max_order)
    orders = energies(maps, bank, max_order)
    residual = [k for k, path in enumerate(paths(bank, max_order)) if path.scales == (-1,)]
    averaged = float(norms(maps[residual]) ** 2)
    growing, unseen, ahead = _rest(field, _Layer.of(bank), max_order)
    last = orders[-1] - (averaged if max_order == 1 else 0)
    whole = np.square(field).mean()
    rest = np.array([growing, unseen - averaged, ahead - last]) / whole
    return Shares(orders / whole, *rest.tolist())


class _Layer(NamedTuple):
    """Filters on the whole Fourier square in the order of an FFT.

    Attributes:
        wavelets: ψ̂_{j,l}.
        kept: energy that the wavelets of a scale keep of the frequencies of a real map.
        unseen: 1 − |φ̂|² − Σ_j kept.
    """

    wavelets: Float[np.ndarray, "j l h w"]
    kept: Float[np.ndarray, "j h w"]
    unseen: Field

    @classmethod
    def of(cls, bank: FilterBank) -> "_Layer":
        exact = bank.sampled(EXACT)
        wavelets = np.stack([_whole(band) for band in exact.first])
        squares = np.square(wavelets).sum(1)
        opposite = np.roll(squares[:, ::-1, ::-1], (1, 1), (1, 2))
        unseen = 1 - np.fft.ifftshift(littlewood_paley(exact))
        if exact.residual is not None:
            unseen = unseen + _whole(exact.residual)[0] ** 2
        return cls(wavelets, (squares + opposite) / 2, unseen)


def _whole(band: Band) -> Float[np.ndarray, "l h w"]:
    return np.fft.ifftshift(np.asarray(band.filters, np.float64), axes=(1, 2))


def _rest(field: Field, layer: _Layer, orders: int, last: int = -1) -> Float[np.ndarray, "3"]:
    """Energies that a map leaves: in scales that do not grow, unseen, at the end of its paths."""
    spectrum = np.fft.fft2(field, norm="forward")
    power = np.abs(spectrum) ** 2
    bands = np.einsum("jhw,hw->j", layer.kept, power)
    ahead = bands[last + 1 :].sum() if orders == 1 else 0.0
    rest = np.array([bands[: last + 1].sum(), np.vdot(layer.unseen, power), ahead])
    for scale in range(last + 1, len(bands)) if orders > 1 else ():
        for wavelet in layer.wavelets[scale]:
            child = np.abs(np.fft.ifft2(spectrum * wavelet, norm="forward"))
            rest += _rest(child, layer, orders - 1, scale)
    return rest


def expansion(bank: FilterBank, stride: int, max_order: int = 2) -> float:
    """A constant C for which ‖S_J x − S_J y‖ ≤ C ‖x − y‖ holds of all fields on the torus.

    C_m² = max over the classes of frequencies that meet on the grid of the largest eigenvalue of
    v vᵀ + C_{m−1}² diag(A − v²), v = φ̂_J and A the Littlewood–Paley sum in the class; C_0 is that
    of v vᵀ alone. A wave of 2^J pixels is seen by wavelets and, on a coarse grid, by φ_J as a
    constant once more. Of a tight bank C is 1 at a stride of 2^J/4, 1.004 at most at 2^J/2.

    Args:
        bank: any bank.
        stride: pixels; it divides the sides.
        max_order: wavelets on the longest path.

    Raises:
        InputError: if the stride does not divide the sides.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> bank = morlet_bank((32, 32), num_scales=3, num_angles=4)
        >>> [round(expansion(bank, stride), 3) for stride in (8, 4, 2)]
        [1.227, 1.002, 1.0]

    Source:
        S. Mallat, "Group invariant scattering", CPAM 65 (2012), Proposition 2.5, without a grid.
    """
    if any(n % stride for n in bank.shape):
        raise InputError(f"The stride {stride} does not divide {bank.shape}: choose one that does.")
    lowpass = np.zeros(bank.shape)
    at = np.asarray(bank.lowpass.starts[0]) + np.array(bank.shape) // 2
    rows, columns = (slice(k, k + n) for k, n in zip(at, bank.lowpass.grid, strict=True))
    lowpass[rows, columns] = bank.lowpass.filters[0]
    seen, total = (_classes(each, stride) for each in (lowpass**2, littlewood_paley(bank)))
    square = float(seen.sum(1).max())
    for _ in range(max_order):
        square = _largest_eigenvalue(square * (total - seen), seen)
    return float(np.sqrt(square))


def _classes(square: Field, stride: int) -> Float[np.ndarray, "c k"]:
    """Frequencies that a grid does not tell apart, a row each."""
    height, width = (n // stride for n in square.shape)
    split = square.reshape(stride, height, stride, width)
    return split.transpose(1, 3, 0, 2).reshape(height * width, -1)


def _largest_eigenvalue(
    diagonal: Float[np.ndarray, "c k"], squares: Float[np.ndarray, "c k"]
) -> float:
    """The largest of diag(d) + v vᵀ over all rows d and v²: where Σ v² / (λ − d) = 1."""
    low = diagonal.max(1)
    high = low + squares.sum(1)
    for _ in range(60):
        middle = (low + high) / 2
        room = np.maximum(middle[:, None] - diagonal, np.finfo(float).tiny)
        above = np.divide(squares, room).sum(1) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return float(high.max())
