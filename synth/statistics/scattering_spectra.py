"""The scattering spectra as a descriptor."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from synth.statistics.banked import Correlated
from synth.statistics.descriptor import Residual
from synth.transforms.spectra import Spectra, scattering_spectra
from synth.transforms.weighted import Observation, spectra_weighted

__all__ = ["ScatteringSpectra"]

_LEAST_POWER = 1e-8  # of a field of variance 1; smaller powers count as if they were this


class ScatteringSpectra(Correlated):
    """The scattering spectra of fields of one shape.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
        isotropic: whether they are averaged over rotations.
    """

    isotropic: bool = eqx.field(static=True, default=False)

    def __call__(self, field: Float[Array, "h w"]) -> Spectra:
        """Spectra of one field."""
        return scattering_spectra(field, self.bank, isotropic=self.isotropic)

    def observe(self, picture: Observation) -> Spectra:
        """Spectra of a picture that may have borders and holes."""
        return spectra_weighted(picture, self.bank, isotropic=self.isotropic)

    def normalized(self, spectra: Spectra, target: Spectra) -> Spectra:
        """Spectra divided by the powers of a target: P/P*, S1/√P*, C01/√(P₃*P₂*), C11/√(P₁*P₂*).

        Args:
            spectra: of any field.
            target: whose powers stand in the denominators.

        Returns:
            Numbers without a unit.
        """
        scales = self._scales(target)
        return jax.tree.map(lambda value, scale: value / scale, spectra, scales)

    def weights(self, target: Spectra, unit: Residual) -> Spectra:
        """Each block contributes its mean squared normalized difference, in units of its noise."""
        scales = self._scales(target)

        def weight(name: str, scale: Float[Array, "..."], block: str, count: int) -> Array:
            size = jnp.broadcast_to(scale, getattr(target, name).shape)
            return 1 / (count * jnp.square(size * unit[block]))

        powers = target.power.size + 2
        return Spectra(
            mean=weight("mean", scales.mean, "power", 1),
            power=weight("power", scales.power, "power", powers),
            above=weight("above", scales.above, "power", powers),
            below=weight("below", scales.below, "power", powers),
            modulus=weight("modulus", scales.modulus, "modulus", target.modulus.size),
            c01=weight("c01", scales.c01, "c01", target.c01.size),
            c11=weight("c11", scales.c11, "c11", target.c11.size),
        )

    def residual(self, moments: Spectra, target: Spectra) -> Residual:
        """Root mean square normalized differences of power, modulus, c01 and c11.

        The mean is none of them: new fields have the target's by construction.
        """
        difference = self.normalized(jax.tree.map(lambda a, b: a - b, moments, target), target)
        powers = [difference.power.ravel(), difference.above[None], difference.below[None]]
        blocks = {
            "power": jnp.concatenate(powers),
            "modulus": difference.modulus,
            "c01": difference.c01,
            "c11": difference.c11,
        }
        return {
            name: jnp.sqrt(jnp.mean(block.real**2 + block.imag**2))
            for name, block in blocks.items()
        }

    def _scales(self, target: Spectra) -> Spectra:
        """What each number of the spectra is divided by."""
        power = jnp.maximum(target.power, _LEAST_POWER)
        amplitude = jnp.sqrt(power)
        num_scales = self.bank.num_scales
        pairs = [(j, k) for k in range(num_scales) for j in range(k + 1)]
        fine, coarse = (np.array(column) for column in zip(*pairs, strict=True))
        if self.isotropic:
            amplitude = jnp.broadcast_to(amplitude, (num_scales, self.bank.num_angles))
            third = amplitude[coarse, None, :1]
        else:
            third = amplitude[coarse, None, :]
        waves = amplitude.ravel()

        def products(k: int) -> Float[Array, " u"]:
            rows, columns = np.triu_indices((k + 1) * self.bank.num_angles)
            return waves[rows] * waves[columns]

        return Spectra(
            mean=jnp.ones_like(target.mean),
            power=power,
            above=jnp.maximum(target.above, _LEAST_POWER),
            below=jnp.maximum(target.below, _LEAST_POWER),
            modulus=jnp.sqrt(power),
            c01=amplitude[fine, :, None] * third,
            c11=jnp.concatenate([products(k) for k in range(num_scales)])[:, None],
        )
