"""The Gaussian model: the power spectrum of the target and no more, sampled directly."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from synth.models._standard import standardize
from synth.models.check import check_key
from synth.transforms.estimate import Periodic, estimate_spectrum

__all__ = ["GaussianModel", "fit_gaussian"]


class GaussianModel(eqx.Module):
    """Stationary Gaussian field on the torus with a given mean and power spectrum.

    Attributes:
        mean: of the target, in its own units.
        scale: standard deviation of the target.
        spectrum: power per frequency of the standardized field, in FFT order; its mean is
            the variance, 1.
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

        Raises:
            InputError: if the key is no random key.

        Source:
            B. Galerne, Y. Gousseau and J.-M. Morel, "Random phase textures", IEEE Trans.
            Image Process. 20 (2011), Sec. II.
        """
        check_key(key)
        noise = jnp.fft.fft2(jax.random.normal(key, self.spectrum.shape))
        if random_phase:
            noise = np.sqrt(self.spectrum.size) * noise / jnp.abs(noise)
        return self.mean + self.scale * jnp.fft.ifft2(jnp.sqrt(self.spectrum) * noise).real


def fit_gaussian(
    field: Float[np.ndarray, "h w"] | Float[np.ndarray, "n h w"], *, periodic: Periodic = True
) -> GaussianModel:
    """Gaussian model with the mean and the estimated power spectrum of a field.

    Args:
        field: the target, or several pictures of one process; NaN where a pixel is missing.
        periodic: whether opposite borders match, of both axes or of rows' and columns' axis.
            An axis that does not wrap is tapered, see ``transforms.estimate``.

    Returns:
        The model.

    Raises:
        InputError: if the field is constant, infinite, or no field.
    """
    standard = standardize(field)
    spectra = [estimate_spectrum(each, periodic=periodic) for each in standard.fields]
    return GaussianModel(
        mean=jnp.asarray(standard.mean, float),
        scale=jnp.asarray(standard.scale, float),
        spectrum=jnp.asarray(np.mean(spectra, axis=0), float),
    )
