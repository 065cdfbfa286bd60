"""The Gaussian model: the power spectrum of the target and no more, sampled directly.

Where some pixels are given, it is sampled given these.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from synth.models._standard import standardize
from synth.models.check import check_given, check_key, check_shape
from synth.transforms.conditional import LEAST_POWER, are_deep, conditional_sample, power_on
from synth.transforms.estimate import SMOOTHED, Periodic, estimate_spectrum

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

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.spectrum.shape  # pyright: ignore[reportReturnType]

    def on(self, shape: tuple[int, int]) -> "GaussianModel":
        """The same model of fields of another shape, see ``transforms.conditional.power_on``.

        Args:
            shape: height and width of the fields, pixels.
        """
        if shape == self.shape:
            return self
        check_shape(shape)
        power = power_on(np.asarray(self.spectrum, np.float64), shape)
        power[0, 0] = 0
        return GaussianModel(self.mean, self.scale, jnp.asarray(power / power.mean(), float))

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

    def complete(
        self, field: Float[np.ndarray, "_ _"], *, key: PRNGKeyArray
    ) -> Float[Array, "h w"]:
        """Draw the missing pixels of a field on the torus, given the others.

        Args:
            field: of the model's shape, in the target's units; NaN where a pixel is to be drawn.
            key: random key; the same key gives the same pixels.

        Returns:
            The field, its other pixels as they are.

        Raises:
            InputError: if the key is no random key, or the field has another shape, no missing
                pixel or nothing else.

        Source:
            B. Galerne and A. Leclaire, "Texture inpainting using efficient Gaussian conditional
            simulation", SIAM J. Imaging Sci. 10 (2017), Sec. 2.
        """
        check_key(key)
        noise = np.asarray(jax.random.normal(key, self.shape), np.float64)
        return jnp.asarray(self._given(np.asarray(field), noise), float)

    def expect(self, field: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
        """Mean of the missing pixels of a field, given the others.

        Args:
            field: as for ``complete``.

        Raises:
            InputError: as from ``complete``.
        """
        return self._given(np.asarray(field), np.zeros(self.shape))

    def _given(
        self, field: Float[np.ndarray, "_ _"], noise: Float[np.ndarray, "h w"]
    ) -> Float[np.ndarray, "h w"]:
        check_given(field, self.shape)
        mean, scale = float(self.mean), float(self.scale)
        known = ~np.isnan(field)
        begin = np.where(known, (field.astype(np.float64) - mean) / scale, 0)
        spectrum = np.asarray(self.spectrum, np.float64)
        power = power_on(spectrum, self.shape, smoothed=SMOOTHED, least=LEAST_POWER)
        drawn = conditional_sample(begin, known, power, noise, deep=are_deep(~known))
        return np.where(known, field, mean + scale * drawn)


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
