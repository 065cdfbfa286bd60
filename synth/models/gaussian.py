"""The Gaussian model: the power spectrum of the target and no more, sampled directly."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from synth.models._standard import standardize
from synth.transforms.fourier import periodic_part, periodogram

__all__ = ["GaussianModel", "fit_gaussian"]


class GaussianModel(eqx.Module):
    """Stationary Gaussian field on the torus with a given mean and power spectrum.

    Attributes:
        mean: of the target, in its own units.
        scale: standard deviation of the target.
        spectrum: power per frequency of the standardized field, in FFT order; its mean is
            the variance, 1 for a periodic target.
    """

    mean: Float[Array, ""]
    scale: Float[Array, ""]
    spectrum: Float[Array, "h w"]

    def sample(self, *, key: PRNGKeyArray, random_phase: bool = False) -> Float[Array, "h w"]:
        """Draw a field x = mean + scale · F⁻¹(√P · n̂), n white noise.

        Args:
            key: random key; the same key gives the same field.
            random_phase: keep only the phases of n̂, so that the sample's periodogram is P
                itself instead of fluctuating about it.

        Returns:
            The field, in the target's units.

        Source:
            B. Galerne, Y. Gousseau and J.-M. Morel, "Random phase textures", IEEE Trans.
            Image Process. 20 (2011), Sec. II.
        """
        noise = jnp.fft.fft2(jax.random.normal(key, self.spectrum.shape))
        if random_phase:
            noise = np.sqrt(self.spectrum.size) * noise / jnp.abs(noise)
        return self.mean + self.scale * jnp.fft.ifft2(jnp.sqrt(self.spectrum) * noise).real


def fit_gaussian(field: Float[np.ndarray, "h w"], *, periodic: bool = True) -> GaussianModel:
    """Gaussian model with the mean and the periodogram of a field.

    Args:
        field: the target.
        periodic: whether opposite borders match; otherwise the spectrum is that of the
            periodic part (Moisan 2011), which has no cross of leakage.

    Returns:
        The model.

    Raises:
        InputError: if the field is constant or not finite.
    """
    standard, mean, scale = standardize(field)
    part = standard if periodic else periodic_part(standard)
    return GaussianModel(
        mean=jnp.asarray(mean, float),
        scale=jnp.asarray(scale, float),
        spectrum=jnp.asarray(periodogram(part - part.mean()), float),
    )
