"""The moment model: the moments of a descriptor, sampled by descent (``synth.descent``).

Fields in and out are in the target's own units; inside the model they have mean 0 and variance 1.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, PRNGKeyArray

from synth.errors import InputError
from synth.models._standard import standardize
from synth.models.start import Start, skewed_spectrum
from synth.parallel.programs import compiled
from synth.statistics import Descriptor, Moments, Residual
from synth.transforms.fourier import periodic_part, periodogram, radial_average, radial_frequency

__all__ = ["MomentModel", "fit"]

_SPECTRUM_FLOOR = 1e-6  # of white noise with the target's variance
_EASING = {0: 0.01, 60: 0.1}  # from which evaluation on weights are eased how far ...
_WHOLE = 120  # ... and from which on they are whole
_FREE = 60  # evaluation from which on fields may leave the target's range


class MomentModel(eqx.Module):
    """Fields with the moments of a target: the maximum-entropy texture of Bruna & Mallat.

    The descent's variable z gives the field x = F⁻¹(P̄^{a/2} ẑ), P̄ the target's radially
    averaged spectrum: a = 0 descends on pixels, a = 1 on a whitened field.

    Attributes:
        descriptor: maps a field to its moments.
        standard: the target field, standardized.
        target: its moments.
        noise: estimation noise of the moments, block by block.
        weights: frozen weights of the loss, one per moment.
        shaping: P̄^{a/2} on the half-plane of a real FFT.
        prior: P̄^{1/2} there.
        mean: of the target, in its own units.
        scale: standard deviation of the target.
        bounds: least and largest value of new fields, in the target's units.
    """

    descriptor: Descriptor
    standard: Float[Array, "h w"]
    target: Moments
    noise: Residual
    weights: Moments
    shaping: Float[Array, "h k"]
    prior: Float[Array, "h k"]
    mean: Float[Array, ""]
    scale: Float[Array, ""]
    bounds: Float[Array, "2"]

    def field(self, variable: Float[Array, "h w"]) -> Float[Array, "h w"]:
        """Standardized field x of a variable z, clipped to the bounds."""
        low, high = self.from_units(self.bounds)
        return jnp.clip(_filter(variable, self.shaping), low, high)

    def variable(self, field: Float[Array, "h w"]) -> Float[Array, "h w"]:
        """Variable z of a standardized field x."""
        return _filter(field, 1 / self.shaping)

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

    @property
    def stages(self) -> dict[int, "MomentModel"]:
        """Models that a descent from noise follows in turn, by the evaluation where each begins.

        The last one is the model itself. Moments that do not see gray levels keep within the
        target's range at first, and so find fields that have them. A bounded descriptor begins
        with eased weights and, if it sees phases, without bounds: a pixel there has no gradient.
        """
        if self.descriptor.bounded:
            eased = {first: self._eased(factor) for first, factor in _EASING.items()}
            return eased | {_WHOLE: self}
        mean, scale, standard = (np.asarray(x) for x in (self.mean, self.scale, self.standard))
        low, high = mean + scale * standard.min(), mean + scale * standard.max()
        bounds = jnp.asarray(np.clip(np.asarray(self.bounds), low, high))
        return {0: eqx.tree_at(lambda model: model.bounds, self, bounds), _FREE: self}

    def _eased(self, factor: float) -> "MomentModel":
        weights = self.descriptor.eased(self.weights, factor)
        free = jnp.asarray([-jnp.inf, jnp.inf])
        bounds = free if self.descriptor.sees_phases else self.bounds
        return eqx.tree_at(lambda model: (model.weights, model.bounds), self, (weights, bounds))

    def start(self, *, key: PRNGKeyArray, kind: Start = "skewed") -> Float[Array, "h w"]:
        """Variable from which a descent starts: seeded noise."""
        noise = jax.random.normal(key, self.descriptor.shape)
        if kind == "variable":
            return noise
        if kind == "pixels":
            return self.variable(noise)
        if kind == "gaussian":
            return _filter(noise, self.prior / self.shaping)
        spectrum = skewed_spectrum(noise, self.prior, self.standard)
        return jnp.fft.irfft2(spectrum / self.shaping, s=noise.shape)


def fit(
    descriptor: Descriptor,
    field: Float[np.ndarray, "h w"],
    *,
    exponent: float = 0.5,
    periodic: bool = True,
    bounds: tuple[float, float] | None = None,
) -> MomentModel:
    """Moment model of a field.

    Args:
        descriptor: moments of fields of this shape.
        field: the target, in any unit.
        exponent: a of the descent's variable, 0 (pixels) to 1 (whitened).
        periodic: as in ``fit_gaussian``; it matters for the spectrum P̄ alone.
        bounds: least and largest value of new fields; by default those of the target for a
            bounded descriptor, and none for others.

    Returns:
        The model.

    Raises:
        InputError: if the field is constant or not finite, or all of it out of bounds.
    """
    standard, mean, scale = standardize(field)
    spectrum = _radial_spectrum(standard if periodic else periodic_part(standard))
    whole = jnp.asarray(standard, float)
    if bounds is None:
        range_ = float(field.min()), float(field.max())
        bounds = range_ if descriptor.bounded else (-np.inf, np.inf)
    if not max(bounds[0], field.min()) < min(bounds[1], field.max()):
        raise InputError(
            f"The bounds {bounds[0]:g} and {bounds[1]:g} leave nothing of a field from "
            f"{field.min():g} to {field.max():g}: give a wider range, least value first."
        )
    target, noise, weights = _measured(descriptor, whole)
    return MomentModel(
        descriptor=descriptor,
        standard=whole,
        target=target,
        noise=noise,
        weights=weights,
        shaping=jnp.asarray(spectrum ** (exponent / 2), float),
        prior=jnp.asarray(np.sqrt(spectrum), float),
        mean=jnp.asarray(mean, float),
        scale=jnp.asarray(scale, float),
        bounds=jnp.asarray(bounds, float),
    )


@compiled
def _measured(
    descriptor: Descriptor, field: Float[Array, "h w"]
) -> tuple[Moments, Residual, Moments]:
    """Moments of the target, their estimation noise, and their weights in the loss."""
    target, noise = descriptor.measure(field)
    return target, noise, descriptor.weights(target, noise)


def _square(z: Inexact[Array, "*n"]) -> Float[Array, "*n"]:
    return z.real**2 + z.imag**2 if jnp.iscomplexobj(z) else z**2


def _filter(field: Float[Array, "h w"], gain: Float[Array, "h k"]) -> Float[Array, "h w"]:
    return jnp.fft.irfft2(jnp.fft.rfft2(field) * gain, s=field.shape)


def _radial_spectrum(field: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h k"]:
    """Radially averaged power on the half-plane, floored relative to white noise."""
    power = periodogram(field)
    step = 2 * np.pi / max(field.shape)
    edges = np.arange(0.5 * step, np.pi * np.sqrt(2) + step, step)
    radius, mean = radial_average(power, edges)
    half = np.fft.ifftshift(radial_frequency(field.shape))[:, : field.shape[1] // 2 + 1]
    floor = _SPECTRUM_FLOOR * field.var()
    return np.exp(np.interp(half, radius, np.log(np.maximum(mean, floor))))
