"""The moment model: the moments of a descriptor, sampled by descent (``synth.descent``).

Fields in and out are in the target's own units; inside the model they have mean 0 and variance 1.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, PRNGKeyArray

from synth.errors import InputError
from synth.models._standard import Standard, standardize
from synth.models.check import check_descriptor
from synth.models.reference import Reference, refer
from synth.models.start import Start, skewed_spectrum
from synth.statistics import Descriptor, GrayLevels, Moments, Residual, matches, unit_of
from synth.transforms.estimate import (
    Periodic,
    axes_of,
    completions,
    estimate_spectrum,
    radial_power,
)
from synth.transforms.fourier import radial_frequency
from synth.transforms.weighted import Observation

__all__ = ["MomentModel", "fit"]

_SPECTRUM_FLOOR = 1e-6  # of white noise with the target's variance


class MomentModel(eqx.Module):
    """Fields with the moments of a target: the maximum-entropy texture of Bruna & Mallat.

    The descent's variable z gives the field x = F⁻¹(P̄^{a/2} ẑ), P̄ the target's radially
    averaged spectrum: a = 0 descends on pixels, a = 1 on a whitened field. The gain is 0 at the
    frequency 0, so that fields have the target's mean; where gray levels are matched they hold it.

    Attributes:
        descriptor: maps a field to its moments.
        reference: the target's moments and their estimation noise.
        unit: noise that residuals are counted in: the reference's, as far as it is not capped.
        weights: frozen weights of the loss, one per moment.
        levels: the target's gray levels in increasing order, standardized.
        shaping: P̄^{a/2} on the half-plane of a real FFT.
        prior: P̄^{1/2} there.
        mean: of the target, in its own units.
        scale: standard deviation of the target.
        bounds: least and largest value of new fields, in the target's units.
    """

    descriptor: Descriptor
    reference: Reference
    unit: Residual
    weights: Moments
    levels: Float[Array, " n"]
    shaping: Float[Array, "h k"]
    prior: Float[Array, "h k"]
    mean: Float[Array, ""]
    scale: Float[Array, ""]
    bounds: Float[Array, "2"]

    @property
    def target(self) -> Moments:
        """Moments that the loss compares with."""
        return self.reference.moments

    @property
    def noise(self) -> Residual:
        """Estimation noise of the target's moments, block by block."""
        return self.reference.noise

    @property
    def range(self) -> Float[Array, "2"]:
        """The target's least and largest value, in its units."""
        return self.mean + self.scale * self.levels[jnp.asarray([0, -1])]

    def field(self, variable: Float[Array, "h w"]) -> Float[Array, "h w"]:
        """Standardized field x of a variable z, clipped to the bounds."""
        low, high = self.from_units(self.bounds)
        return jnp.clip(_filter(variable, self.shaping), low, high)

    def variable(self, field: Float[Array, "h w"]) -> Float[Array, "h w"]:
        """Variable z of a standardized field x, its mean left out."""
        return _filter(field, _inverse(self.shaping))

    def to_units(self, field: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """A standardized field in the target's units, clipped to the bounds."""
        return jnp.clip(self.mean + self.scale * field, self.bounds[0], self.bounds[1])

    def from_units(self, field: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """A field in the target's units, standardized."""
        return (field - self.mean) / self.scale

    def loss(self, variable: Float[Array, "h w"]) -> tuple[Float[Array, ""], Residual]:
        """Weighted squared distance Σ w |S − S*|², and the residual, of a variable."""
        moments = self.descriptor(self.field(variable))
        terms = jax.tree.map(
            lambda w, a, b: jnp.sum(w * _square(a - b)), self.weights, moments, self.target
        )
        loss = jax.tree.reduce(jnp.add, terms)
        return loss, self.descriptor.residual(moments, self.target)

    def start(self, *, key: PRNGKeyArray, kind: Start = "skewed") -> Float[Array, "h w"]:
        """Variable from which a descent starts: seeded noise."""
        noise = jax.random.normal(key, self.descriptor.shape)
        if kind == "variable":
            return noise
        if kind == "pixels":
            return self.variable(noise)
        if kind == "gaussian":
            return _filter(noise, self.prior * _inverse(self.shaping))
        spectrum = skewed_spectrum(noise, self.prior, self.levels)
        return jnp.fft.irfft2(spectrum * _inverse(self.shaping), s=noise.shape)


def fit(
    descriptor: Descriptor,
    field: Float[np.ndarray, "h w"] | Float[np.ndarray, "n h w"],
    *,
    exponent: float = 0.5,
    periodic: Periodic = True,
    bounds: tuple[float, float] | None = None,
) -> MomentModel:
    """Moment model of a field, or of several pictures of one process.

    Args:
        descriptor: moments of fields of this shape.
        field: the target, in any unit, NaN where a pixel is missing; several pictures of one
            process are stacked, and the mean of their moments is the target.
        exponent: a of the descent's variable, 0 (pixels) to 1 (whitened).
        periodic: whether opposite borders match, of both axes or of rows' and columns' axis. What
            does not wrap is measured inside, as ``transforms.weighted`` says.
        bounds: least and largest value of new fields; by default those of the target if gray
            levels are matched, and none otherwise.

    Returns:
        The model.

    Raises:
        InputError: if the field is constant, infinite or no field, all of it out of bounds, or
            the descriptor is none, or of another shape.
    """
    check_descriptor(descriptor, np.shape(field))
    standard, wraps = standardize(field), axes_of(periodic)
    completed, spectra = [], []
    for each in standard.fields:
        completed.append(list(completions(each, periodic=wraps)))
        spectra.append(estimate_spectrum(each, periodic=wraps))
    spectrum = np.mean(spectra, axis=0)
    draws = max(map(len, completed))
    pictures = [
        [_observation(each, whole, wraps) for whole in drawn * (draws // len(drawn))]
        for each, drawn in zip(standard.fields, completed, strict=True)
    ]
    on_torus = all(wraps) and not np.isnan(standard.fields).any()
    reference = refer(descriptor, pictures, spectrum, on_torus=on_torus)
    unit = unit_of(descriptor, reference.noise)
    radial = _radial(spectrum)
    shaping, prior = radial ** (exponent / 2), np.sqrt(radial)
    prior[0, 0] = 0
    if not matches(descriptor, GrayLevels):
        shaping[0, 0] = 0
    return MomentModel(
        descriptor=descriptor,
        reference=reference,
        unit=unit,
        weights=descriptor.weights(reference.moments, unit),
        levels=jnp.asarray(_levels(standard), float),
        shaping=jnp.asarray(shaping, float),
        prior=jnp.asarray(prior, float),
        mean=jnp.asarray(standard.mean, float),
        scale=jnp.asarray(standard.scale, float),
        bounds=jnp.asarray(_bounds(descriptor, np.asarray(field), bounds), float),
    )


def _observation(
    field: Float[np.ndarray, "h w"], completed: Float[np.ndarray, "h w"], wraps: tuple[bool, bool]
) -> Observation:
    return Observation(
        field=jnp.asarray(completed, float),
        known=jnp.asarray(~np.isnan(field), float),
        wraps=jnp.asarray(wraps),
    )


def _levels(standard: Standard) -> Float[np.ndarray, " n"]:
    """As many quantiles as a picture has pixels, of the pixels that are there."""
    there = standard.fields[~np.isnan(standard.fields)]
    count = standard.fields[0].size
    levels = np.quantile(there, (np.arange(count) + 0.5) / count, method="hazen")
    levels[[0, -1]] = there.min(), there.max()
    return levels


def _bounds(
    descriptor: Descriptor, field: np.ndarray, given: tuple[float, float] | None
) -> tuple[float, float]:
    low, high = float(np.nanmin(field)), float(np.nanmax(field))
    if given is None:
        return (low, high) if matches(descriptor, GrayLevels) else (-np.inf, np.inf)
    if not max(given[0], low) < min(given[1], high):
        raise InputError(
            f"The bounds {given[0]:g} and {given[1]:g} leave nothing of a field from "
            f"{low:g} to {high:g}: give a wider range, least value first."
        )
    return given


def _square(z: Inexact[Array, "*n"]) -> Float[Array, "*n"]:
    return z.real**2 + z.imag**2 if jnp.iscomplexobj(z) else z**2


def _filter(field: Float[Array, "h w"], gain: Float[Array, "h k"]) -> Float[Array, "h w"]:
    return jnp.fft.irfft2(jnp.fft.rfft2(field) * gain, s=field.shape)


def _inverse(gain: Float[Array, "h k"]) -> Float[Array, "h k"]:
    """One over a gain; 0 where that is 0."""
    return jnp.where(gain > 0, 1 / jnp.where(gain > 0, gain, 1), 0)


def _radial(spectrum: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h k"]:
    """Radially averaged power on the half-plane, floored relative to white noise."""
    radius, mean = radial_power(spectrum)
    half = np.fft.ifftshift(radial_frequency(spectrum.shape))[:, : spectrum.shape[1] // 2 + 1]  # pyright: ignore[reportArgumentType]
    floor = _SPECTRUM_FLOOR * spectrum.mean()
    return np.exp(np.interp(half, radius, np.log(np.maximum(mean, floor))))
