"""The order-2 scattering moments as a descriptor: what a moment model matches.

A descriptor maps a field to named moments, says how much each of them weighs in the loss,
and measures how far apart two sets of them are.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from synth.filters import EXACT, FilterBank, morlet_bank
from synth.scattering import Scattering, scatter

__all__ = ["Residual", "ScatteringMoments"]

_ORDER_WEIGHTS = (1.0, 9.0, 100.0)  # of the scaled differences of order 0, 1, 2
_RELATIVE_WEIGHT = 30.0  # of the squared relative residual, the figure that is reported


class Residual(eqx.Module):
    """Relative distance of two sets of scattering moments, over all orders and per order.

    ‖S − S*‖ / ‖S*‖ over the moments in question; order 0 of a field of mean zero has no
    norm, so that its distance is given in units of the target's standard deviation.
    """

    total: Float[Array, ""]
    order0: Float[Array, ""]
    order1: Float[Array, ""]
    order2: Float[Array, ""]

    def excess(self, tolerance: float) -> Float[Array, ""]:
        """How many times too large it is, if the orders may have twice the total's tolerance."""
        parts = [2 * self.total, self.order0, self.order1, self.order2]
        return jnp.max(jnp.stack(parts)) / (2 * tolerance)

    def within(self, tolerance: float) -> Array:
        """Whether the total is at most ``tolerance`` and each order at most twice that."""
        return self.excess(tolerance) <= 1


class ScatteringMoments(eqx.Module):
    """The scattering moments of fields of one shape.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
    """

    bank: FilterBank

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.bank.shape

    def __call__(self, field: Float[Array, "h w"]) -> Scattering:
        """Moments of one field."""
        return scatter(field, self.bank)

    def exact(self) -> "ScatteringMoments":
        """The same moments without subsampling: slower, the measure that is reported."""
        bank = self.bank
        if bank.oversampling >= EXACT:
            return self
        sizes = bank.num_scales, bank.num_angles
        return ScatteringMoments(
            morlet_bank(bank.shape, *sizes, tight=bank.tight, oversampling=EXACT)
        )

    def weights(self, target: Float[Array, "h w"], moments: Scattering) -> Scattering:
        """Weights w of the loss Σ w (S − S*)², frozen at the target.

        A moment counts relative to the target's rms at the first scale of its path: a
        difference of a tiny coefficient is no more than that, and coarse scales, which hold
        few pixels, do not drown the fine ones. To this is added the squared relative
        residual itself.

        Args:
            target: field of mean 0 and variance 1.
            moments: its moments.

        Returns:
            A weight per moment.
        """
        bank = self.bank
        power = _band_powers(target, bank)
        second = jnp.concatenate([power[:k] for k in range(bank.num_scales)])
        relative = _RELATIVE_WEIGHT / jnp.sum(moments.flatten() ** 2)
        zeroth, first, pairs = _ORDER_WEIGHTS
        count1 = moments.order1.size + (bank.residual is not None)
        return Scattering(
            order0=zeroth + relative,
            order1=jnp.broadcast_to(
                first / count1 / power[:, None] + relative, moments.order1.shape
            ),
            residual=None
            if moments.residual is None
            else first / count1 / jnp.maximum(moments.residual**2, _FLOOR) + relative,
            order2=jnp.broadcast_to(
                pairs / max(1, moments.order2.size) / second[:, None, None] + relative,
                moments.order2.shape,
            ),
        )

    def residual(self, moments: Scattering, target: Scattering) -> Residual:
        """Distance of ``moments`` from those of the target, ``target``."""
        squares = [
            (jnp.sum((a - b) ** 2), jnp.sum(b**2))
            for a, b in zip(moments.orders(), target.orders(), strict=True)
        ]
        (zero, _), (one, norm1), (two, norm2) = squares
        norm = norm1 + norm2

        def relative(distance: Float[Array, ""], norm: Float[Array, ""]) -> Float[Array, ""]:
            return jnp.sqrt(distance / jnp.where(norm > 0, norm, 1))

        return Residual(
            total=relative(zero + one + two, norm),
            order0=jnp.sqrt(zero),
            order1=relative(one, norm1),
            order2=relative(two, norm2),
        )


_FLOOR = 1e-8


def _band_powers(target: Float[Array, "h w"], bank: FilterBank) -> Float[Array, " j"]:
    """Mean over the angles of ⟨|x⋆ψ_j|²⟩ per scale, by Parseval."""
    spectrum = jnp.fft.fftshift(jnp.abs(jnp.fft.fft2(target, norm="forward")) ** 2)

    def power(filters: Float[Array, "l n m"], starts: Array) -> Float[Array, ""]:
        def one(filter_: Float[Array, "n m"], start: Array) -> Float[Array, ""]:
            corner = start + jnp.array([n // 2 for n in bank.shape])
            return jnp.sum(filter_**2 * jax.lax.dynamic_slice(spectrum, corner, filter_.shape))

        return jax.vmap(one)(filters, starts).mean()

    powers = [power(band.filters, band.starts) for band in bank.first]
    return jnp.maximum(jnp.stack(powers), _FLOOR)
