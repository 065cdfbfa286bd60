"""The Gaussian model: second-order moments of the target and no more, sampled directly.

Where some pixels are given, it is sampled given these.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Inexact, PRNGKeyArray

from synth.models._standard import Standard, standardize
from synth.models.check import check_given, check_key, check_shape
from synth.models.units import Units
from synth.transforms.conditional import LEAST_POWER, are_deep, conditional_sample, power_on
from synth.transforms.cross import (
    cross_root,
    cross_spectrum_on,
    estimate_cross_spectrum,
    joint_phase,
)
from synth.transforms.estimate import SMOOTHED, Periodic, estimate_spectrum

__all__ = ["GaussianModel", "fit_gaussian", "gaussian_of"]


class GaussianModel(eqx.Module):
    """Stationary Gaussian field on the torus with a given mean and given second-order moments.

    Of one channel these are the power spectrum. Of several they are the cross spectra of its
    principal components, which are whitened: uncorrelated at one pixel, not at two.

    Attributes:
        units: mean and standard deviation of the target, or its principal components.
        spectrum: power per frequency of the standardized field, in FFT order; its mean is
            the variance, 1. Of several components a Hermitian matrix per frequency.
    """

    units: Units
    spectrum: Inexact[Array, "*k h w"]

    @property
    def mean(self) -> Float[Array, "*d"]:
        """Mean of the target, in its own units."""
        return self.units.mean  # pyright: ignore[reportReturnType]

    @property
    def scale(self) -> Float[Array, "*d"]:
        """Standard deviation of the target, of every channel."""
        scale = jnp.asarray(self.units.scale)
        return jnp.sqrt(jnp.sum(scale**2, axis=-1)) if self.units.channels else scale

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the fields, pixels."""
        return self.spectrum.shape[-2:]  # pyright: ignore[reportReturnType]

    @property
    def power(self) -> Float[Array, "*k h w"]:
        """Power per frequency of the standardized field, of every component."""
        if self.spectrum.ndim == 2:
            return self.spectrum  # pyright: ignore[reportReturnType]
        return jnp.moveaxis(jnp.diagonal(self.spectrum).real, -1, 0)

    def on(self, shape: tuple[int, int]) -> "GaussianModel":
        """The same model of fields of another shape, see ``transforms.conditional.power_on``.

        Args:
            shape: height and width of the fields, pixels.
        """
        if shape == self.shape:
            return self
        check_shape(shape)
        spectrum = np.asarray(self.spectrum)
        if spectrum.ndim > 2:
            moved = cross_spectrum_on(spectrum.astype(complex), shape)
            variances = np.real(np.diagonal(moved)).mean((0, 1))
            spectrum = jnp.asarray(moved / np.sqrt(variances[:, None] * variances)[..., None, None])
            return GaussianModel(self.units, spectrum.astype(self.spectrum.dtype))
        power = power_on(spectrum.astype(np.float64), shape)
        power[0, 0] = 0
        return GaussianModel(self.units, jnp.asarray(power / power.mean(), float))

    def apart(self) -> "GaussianModel":
        """The same model of independent components, as ``complete`` draws them."""
        if self.spectrum.ndim == 2:
            return self
        own = jnp.eye(len(self.spectrum))[:, :, None, None] * self.spectrum
        return GaussianModel(self.units, own)

    def sample(self, *, key: PRNGKeyArray, random_phase: bool = False) -> Float[Array, "*d h w"]:
        """Draw a field x = mean + scale · F⁻¹(P^{1/2} n̂), n white noise.

        Of several channels P^{1/2} is the root of a matrix, and n as many noises.

        Args:
            key: random key; the same key gives the same field.
            random_phase: keep only the phases of n̂, so that the sample's periodogram is P
                itself instead of fluctuating about it. Of several channels all are shifted by
                one phase, which keeps their differences of phase.

        Returns:
            The field, in the target's units.

        Raises:
            InputError: if the key is no random key.

        Source:
            B. Galerne, Y. Gousseau and J.-M. Morel, "Random phase textures", IEEE Trans.
            Image Process. 20 (2011), Sec. II; Sec. II-C for several channels.
        """
        check_key(key)
        noise = jnp.fft.fft2(jax.random.normal(key, self.power.shape))
        if self.spectrum.ndim > 2:
            return self.units.to(jnp.fft.ifft2(_channels(self.spectrum, noise, random_phase)).real)
        if random_phase:
            noise = np.sqrt(self.spectrum.size) * noise / jnp.abs(noise)
        return self.units.to(jnp.fft.ifft2(jnp.sqrt(self.spectrum) * noise).real)

    def complete(
        self, field: Float[np.ndarray, "*_ _ _"], *, key: PRNGKeyArray
    ) -> Float[Array, "*d h w"]:
        """Draw the missing pixels of a field on the torus, given the others.

        Of several channels each principal component is drawn given its own pixels: components are
        uncorrelated at one pixel, and what they have in common at a distance is left out.

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
        noise = np.asarray(jax.random.normal(key, self.power.shape), np.float64)
        return jnp.asarray(self._given(np.asarray(field), noise), float)

    def expect(self, field: Float[np.ndarray, "*_ _ _"]) -> Float[np.ndarray, "*d h w"]:
        """Mean of the missing pixels of a field, given the others.

        Args:
            field: as for ``complete``.

        Raises:
            InputError: as from ``complete``.
        """
        return self._given(np.asarray(field), np.zeros(self.power.shape))

    def _given(
        self, field: Float[np.ndarray, "*_ _ _"], noise: Float[np.ndarray, "*k h w"]
    ) -> Float[np.ndarray, "*d h w"]:
        missing = np.isnan(field).any(tuple(range(field.ndim - 2)))
        check_given(np.where(missing, np.nan, field), (*self.units.channels, *self.shape))
        units = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), self.units)
        known = np.asarray(~missing)
        begin = np.where(known, units.of(field.astype(np.float64)), 0)

        def drawn(each: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Float[np.ndarray, "h w"]:
            own, spectrum, white = each
            power = power_on(spectrum, self.shape, smoothed=SMOOTHED, least=LEAST_POWER)
            return conditional_sample(own, known, power, white, deep=are_deep(~known))

        parts = (begin, np.asarray(self.power, np.float64), noise)
        every = zip(*(part.reshape(-1, *self.shape) for part in parts), strict=True)
        whole = np.stack([drawn(each) for each in every]).reshape(begin.shape)
        return np.where(known, field, units.to(whole))


def _channels(
    spectrum: Complex[Array, "k k h w"], noise: Complex[Array, "k h w"], random_phase: bool
) -> Complex[Array, "k h w"]:
    """Fourier coefficients of several components, from those of white noise."""
    if random_phase:
        shared = np.sqrt(noise[0].size) * noise[0] / jnp.abs(noise[0])
        return shared * joint_phase(spectrum)
    return jnp.sum(cross_root(spectrum) * noise, axis=1)


def fit_gaussian(
    field: Float[np.ndarray, "*n c h w"] | Float[np.ndarray, "*n h w"],
    *,
    periodic: Periodic = True,
    channels: bool = False,
) -> GaussianModel:
    """Gaussian model with the mean and the estimated second-order moments of a field.

    Args:
        field: the target, or several pictures of one process; NaN where a pixel is missing.
        periodic: whether opposite borders match, of both axes or of rows' and columns' axis.
            An axis that does not wrap is tapered, see ``transforms.estimate``.
        channels: whether the field has channels, in the axis before the last two.

    Returns:
        The model.

    Raises:
        InputError: if the field is constant, infinite, or no field.
    """
    return gaussian_of(standardize(field, channels=channels), periodic)


def gaussian_of(standard: Standard, periodic: Periodic) -> GaussianModel:
    """Gaussian model of standardized pictures."""
    several = standard.fields.ndim > 3
    estimate = estimate_cross_spectrum if several else estimate_spectrum
    spectra = [estimate(each, periodic=periodic) for each in standard.fields]
    mean = np.mean(spectra, axis=0)
    units = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), standard.units)
    return GaussianModel(units, jnp.asarray(mean, complex if several else float))
