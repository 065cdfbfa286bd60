"""The Littlewood–Paley sum of a bank, by which a layer keeps the norm of a field."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float

from synth.transforms.filters import Band, FilterBank
from synth.transforms.wavelets import Patch, mean_energy, sum_on

__all__ = ["littlewood_paley"]


def littlewood_paley(bank: FilterBank) -> Float[np.ndarray, "h w"]:
    """Littlewood–Paley sum of a bank: the energy that one layer keeps of each frequency.

    A(ω) = |φ̂(ω)|² + |r̂(ω)|² + ½ Σ_{j,l} (|ψ̂_{j,l}(ω)|² + |ψ̂_{j,l}(−ω)|²), r the residual
    band; 1 everywhere means that a layer keeps the norm of every real field.

    Args:
        bank: any bank; its first layer counts, on the windows that are in use.

    Returns:
        The sum on the centered Fourier square, float64, shape ``bank.shape``.

    Example:
        >>> from synth.transforms.filters import morlet_bank
        >>> float(abs(littlewood_paley(morlet_bank((32, 32))) - 1).max()) < 1e-6
        True

    Source:
        J. Bruna and S. Mallat (2013), Eq. 5.
    """
    even = [bank.lowpass] if bank.residual is None else [bank.lowpass, bank.residual]

    return mean_energy(_sum_of_squares(even, bank), _sum_of_squares(bank.first, bank))


def _sum_of_squares(bands: Iterable[Band], bank: FilterBank) -> Float[np.ndarray, "h w"]:
    def patches(band: Band) -> Iterator[Patch]:
        corners = np.asarray(band.starts) + np.array(bank.shape) // 2
        values = np.asarray(band.filters, np.float64) ** 2
        for square, (row, column) in zip(values, corners, strict=True):
            yield Patch(square, (int(row), int(column)))

    return sum_on(bank.shape, (patch for band in bands for patch in patches(band)))
