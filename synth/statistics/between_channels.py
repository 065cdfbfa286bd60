"""The covariances between channels as a descriptor."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

from synth.statistics.banked import Correlated
from synth.statistics.channels import check_count
from synth.statistics.descriptor import Residual
from synth.transforms.between import Between, between, pairs
from synth.transforms.cross import LEAST_SHARE, share_of_few
from synth.transforms.filters import Band
from synth.transforms.weighted import Observation, between_weighted

__all__ = ["BetweenChannels"]

_POWERS = 0.25  # factor of the loss of powers: with more, they converge first and moduli last
_LEAST_POWER = 1e-8  # of a field of variance 1; smaller powers count as if they were this


class BetweenChannels(Correlated):
    """Powers of the waves of several channels, shared ones too, and covariances of their moduli.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
        count: number of channels c, from 2 on.
    """

    count: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        check_count(self.count)

    @property
    def num_channels(self) -> int:
        """Number of channels."""
        return self.count

    def of_channels(self, count: int) -> "BetweenChannels | None":
        """The same covariances between another number of channels; of one there are none."""
        return None if count == 1 else BetweenChannels(self.bank, count)

    def __call__(self, field: Float[Array, "c h w"]) -> Between:
        """Covariances of one field."""
        return between(field, self.bank)

    def observe(self, picture: Observation) -> Between:
        """Covariances of a picture that may have borders and holes."""
        found = between_weighted(picture, self.bank)
        return eqx.tree_at(lambda b: b.phase, found, found.phase[:0])  # it is not matched here

    def weights(self, target: Between, unit: Residual) -> Between:
        """Each block contributes its mean squared normalized difference, in units of its noise."""
        scales = self._scales(target)
        waves = target.power.size + target.outside.size

        def weight(name: str, block: str, count: int) -> Array:
            return 1 / (count * jnp.square(getattr(scales, name) * unit[block]))

        return Between(
            power=_POWERS * weight("power", "power", waves),
            outside=_POWERS * weight("outside", "power", waves),
            modulus=weight("modulus", "modulus", target.modulus.size),
            phase=weight("phase", "phase", target.phase.size)
            if target.phase.size
            else target.phase.real,
        )

    def difference(self, moments: Between, target: Between) -> Between:
        """S − S*; of the powers P_cd of a wave, L⁻¹ (P − P*) L⁻*, where P* = L L*.

        Of channels that share nearly all of a wave, what they do not share counts as the rest:
        principal components, incoherent over all waves, may be coherent in each of them.
        """
        found = jax.tree.map(lambda a, b: a - b, moments, target)
        power = _in_units(found.power, target.power, self._shares(self.bank.first)[..., None])
        outside = _in_units(found.outside, target.outside, self._shares(self._ends))
        return eqx.tree_at(lambda b: (b.power, b.outside), found, (power, outside))

    @property
    def _ends(self) -> list[Band]:
        """What is above the wavelets and below them."""
        return [self.bank.residual or self.bank.lowpass, self.bank.lowpass]

    def _shares(self, bands: Sequence[Band]) -> Float[Array, "n l"]:
        """Share that is added to powers, see ``share_of_few``, band by band and angle by angle."""
        return share_of_few(self.count, _num_waves(bands))

    def _noise(self, bands: Sequence[Band]) -> Float[Array, "n l"]:
        """Noise N^{-1/2} of the covariances of N waves, over that of the shortest wavelets."""
        return jnp.sqrt(jnp.max(_num_waves(self.bank.first)) / _num_waves(bands))

    def residual(self, moments: Between, target: Between) -> Residual:
        """Root mean square ``difference`` of every block, each number in units of its noise.

        Covariances of Gaussian waves have the noise √(P_c P_d / N); where two scales meet, that of
        the shorter waves.
        """
        found = self._in_noise(moments, target)
        values = {
            "power": jnp.concatenate([found.power.ravel(), found.outside.ravel()]),
            "modulus": found.modulus,
            "phase": found.phase,
        }
        return {
            name: jnp.sqrt(jnp.mean(value.real**2 + value.imag**2))
            for name, value in values.items()
            if value.size
        }

    def _in_noise(self, moments: Between, target: Between) -> Between:
        """The ``difference``, each number in units of its noise."""
        found = self.difference(moments, target)
        return jax.tree.map(lambda d, s: d / s, found, self._scales(target))

    def _scales(self, target: Between) -> Between:
        """√(P_c P_d) of the two waves that meet, 1 for scaled powers; times ``_noise``."""
        waves = jnp.moveaxis(_amplitude(target.power), -1, 0)
        count, num_scales, num_angles = waves.shape
        noise = self._noise(self.bank.first)
        modulus, phase = [], []
        for k in range(num_scales):
            rows, columns = pairs(count, k, num_angles)
            finer = waves[:, : k + 1] * noise[: k + 1]
            modulus.append(waves[:, k].ravel()[rows] * finer.ravel()[columns])
            if target.phase.size:
                phase.append(_others(waves[:, k], finer.reshape(count, -1)))
        return Between(
            power=jnp.broadcast_to(noise[..., None, None], target.power.shape),
            outside=jnp.broadcast_to(self._noise(self._ends)[..., None], target.outside.shape),
            modulus=jnp.concatenate(modulus),
            phase=jnp.concatenate(phase) if phase else target.phase.real,
        )


def _num_waves(bands: Sequence[Band]) -> Float[Array, "n l"]:
    """Numbers N of independent waves of filters, (Σ|ψ̂|²)² / Σ|ψ̂|⁴ over frequencies."""
    powers = [band.filters**2 for band in bands]
    return jnp.stack([jnp.sum(p, (-2, -1)) ** 2 / jnp.sum(p**2, (-2, -1)) for p in powers])


def _amplitude(power: Inexact[Array, "*n c c"]) -> Float[Array, "*n c"]:
    """Roots of the powers on the diagonal, as far as they are no rounding."""
    own = jnp.diagonal(power, axis1=-2, axis2=-1).real
    return jnp.sqrt(jnp.maximum(own, _LEAST_POWER))


def _in_units(
    change: Inexact[Array, "*n c c"], power: Inexact[Array, "*n c c"], share: Float[Array, "*n 1"]
) -> Inexact[Array, "*n c c"]:
    """Changes L⁻¹ D L⁻* of Hermitian matrices P = L L*, by elimination channel by channel.

    To every power its share is added, and no pivot is less than ``LEAST_SHARE``: P may be such
    that no field has it.
    """
    size = _amplitude(power)
    unit = size[..., :, None] * size[..., None, :]
    coherence, change = power / unit, change / unit
    coherence = coherence / jnp.maximum(jnp.abs(coherence), 1)
    rest = coherence + share[..., None] * jnp.eye(size.shape[-1])
    roots = []
    for index in range(size.shape[-1]):
        pivot = jnp.maximum(rest[..., index, index].real, LEAST_SHARE)[..., None]
        later = (jnp.arange(size.shape[-1]) > index) * rest[..., index] / pivot
        rest = rest - later[..., :, None] * rest[..., index, None, :]
        change = change - later[..., :, None] * change[..., index, None, :]
        change = change - change[..., :, index, None] * later[..., None, :].conj()
        roots.append(jnp.sqrt(pivot))
    root = jnp.concatenate(roots, axis=-1)
    return change / (root[..., :, None] * root[..., None, :])


def _others(coarse: Float[Array, "c m"], finer: Float[Array, "c n"]) -> Float[Array, " v"]:
    """Products of a channel's amplitudes with those of the other ones, by m, c, d and n."""
    rows, columns = np.nonzero(~np.eye(len(coarse), dtype=bool))
    return (coarse.T[:, rows, None] * finer[None, columns]).ravel()
