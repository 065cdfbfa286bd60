"""The moment model: the moments of a descriptor, sampled by descent (``synth.descent``).

Fields in and out are in the target's own units; inside the model they have mean 0 and variance 1.
"""

import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Inexact, PRNGKeyArray

from synth.errors import InputError
from synth.models.check import check_shape
from synth.models.gaussian import GaussianModel
from synth.models.keeping import Kept, Surroundings, surroundings
from synth.models.reference import Reference, moments_on_torus
from synth.models.start import Start, skewed_spectrum
from synth.statistics import (
    Descriptor,
    GrayLevels,
    Moments,
    Residual,
    matches,
    quantiles,
    unit_of,
)
from synth.transforms.fourier import radial_frequency, radial_power

__all__ = ["MomentModel", "assembled"]

_SPECTRUM_FLOOR = 1e-6  # of white noise with the target's variance


class MomentModel(eqx.Module):
    """Fields with the moments of a target: the maximum-entropy texture of Bruna & Mallat.

    The descent's variable z gives the field x = F⁻¹(P̄^{a/2} ẑ), P̄ the target's radially
    averaged spectrum: a = 0 descends on pixels, a = 1 on a whitened field. The gain is 0 at the
    frequency 0, so that fields have the target's mean; where gray levels are matched they hold it.

    Attributes:
        descriptor: maps a field to its moments.
        reference: the target's moments and their estimation noise.
        gaussian: mean, standard deviation and spectrum of the target.
        unit: noise that residuals are counted in: the reference's, as far as it is not capped.
        weights: frozen weights of the loss, one per moment.
        levels: the target's gray levels in increasing order, standardized, one per pixel.
        shaping: P̄^{a/2} on the half-plane of a real FFT.
        prior: P̄^{1/2} there.
        bounds: least and largest value of new fields, in the target's units.
        exponent: a.
        kept: pixels that are given, or None.
    """

    descriptor: Descriptor
    reference: Reference
    gaussian: GaussianModel
    unit: Residual
    weights: Moments
    levels: Float[Array, " n"]
    shaping: Float[Array, "h k"]
    prior: Float[Array, "h k"]
    bounds: Float[Array, "2"]
    exponent: float = eqx.field(static=True)
    kept: Kept | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of new fields, pixels."""
        return self.descriptor.shape

    @property
    def mean(self) -> Float[Array, ""]:
        """Mean of the target, in its own units."""
        return self.gaussian.mean

    @property
    def scale(self) -> Float[Array, ""]:
        """Standard deviation of the target."""
        return self.gaussian.scale

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

    def on(self, shape: tuple[int, int]) -> "MomentModel":
        """The model of fields of another shape, larger or smaller, with the same moments.

        Between the target, of A pixels, and another field of the process, of A′, the estimation
        noise is √((1 + A/A′)/2) times that between two fields of A pixels.

        Args:
            shape: height and width of new fields, pixels.

        Raises:
            InputError: if the descriptor has more scales than ``shared_scales`` of both shapes, or
                the model keeps pixels.

        Example:
            >>> import numpy as np
            >>> from synth import fit, joint
            >>> noise = np.random.default_rng(0).normal(size=(32, 32))
            >>> model = fit(joint("scattering", shape=(32, 32), scales=4), noise)
            >>> model.on((48, 80)).shape
            (48, 80)
        """
        if shape == self.shape:
            return self
        self._check_free()
        check_shape(shape)
        moments = self.descriptor.carried(self.target, shape)
        ratio = math.sqrt((1 + math.prod(self.shape) / math.prod(shape)) / 2)
        return assembled(
            self.descriptor.on(shape),
            Reference(moments, {name: ratio * level for name, level in self.noise.items()}),
            self.gaussian.on(shape),
            levels=_resized(self.levels, math.prod(shape)),
            bounds=self.bounds,
            exponent=self.exponent,
        )

    def keeping(
        self,
        field: Float[np.ndarray, "_ _"],
        *,
        margin: Bool[np.ndarray, "_ _"] | None = None,
    ) -> "MomentModel":
        """The model of fields that have the pixels of a given one, where it has any.

        Of a share f of free pixels the moments are to be S, and those of the whole field
        E S(x) + f (S − E S(g)): x are Gaussian fields given the pixels, and g free ones, so that
        what the kept pixels add is counted as it is. An error of the free pixels counts f times
        in the whole, and their estimation noise is f^{-1/2} times that of a whole field: the unit
        is f^{1/2} times the model's, and the tolerance holds for what is drawn. The variable
        gives the deviation from the conditional mean, see ``Kept``.

        Args:
            field: of the model's shape, in the target's units; NaN where a pixel is to be drawn.
            margin: pixels that are drawn by the Gaussian model and then kept: those that lead
                from one border to the other, where the field does not wrap.

        Raises:
            InputError: if it has another shape, no missing pixel, nothing else, or infinite ones;
                or if the model keeps pixels already.
        """
        self._check_free()
        around = surroundings(self.gaussian, field, margin)
        target = self._around(around)
        unit = {
            name: math.sqrt(around.share) * level
            for name, level in unit_of(self.descriptor, self.noise).items()
        }
        return eqx.tree_at(
            lambda m: (m.reference.moments, m.unit, m.weights, m.shaping, m.kept),
            self,
            (
                target,
                unit,
                self.descriptor.weights(target, unit),
                self.shaping.at[0, 0].set(self.shaping[0, 1]),
                around.kept,
            ),
            is_leaf=lambda leaf: leaf is None,
        )

    def _around(self, around: Surroundings) -> Moments:
        """Moments of the whole field that its free pixels bring about with the target's own."""

        def mean(fields: Sequence[Float[Array, "h w"]]) -> Moments:
            each = [moments_on_torus(self.descriptor, self.from_units(one)) for one in fields]
            return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *each)

        moved = jax.tree.map(
            lambda whole, sample, target: whole + around.share * (target - sample),
            mean(around.fillings), mean(around.samples), self.target,
        )  # fmt: skip
        free = np.asarray(around.kept.free)
        leveled = np.array(self.from_units(around.kept.pixels))
        # Their mean is that of the Gaussian fields, as it is in the moments.
        shift = np.mean([np.mean(self.from_units(one)[free]) for one in around.fillings])
        levels = np.asarray(quantiles(self.levels, int(free.sum())))
        leveled[free] = np.clip(levels + shift, *self.levels[jnp.asarray([0, -1])])
        return self.descriptor.in_part(moved, jnp.asarray(leveled))

    def field(self, variable: Float[Array, "h w"]) -> Float[Array, "h w"]:
        """Standardized field x of a variable z, clipped; kept pixels are as they came."""
        low, high = self.from_units(self.bounds)
        x = _filter(variable, self.shaping)
        if self.kept is None:
            return jnp.clip(x, low, high)
        x = jnp.clip(self.kept.drawn(x), low, high)
        return jnp.where(self.kept.free, x, self.from_units(self.kept.pixels))

    def variable(self, field: Float[Array, "h w"]) -> Float[Array, "h w"]:
        """Variable z of a standardized field x, its mean left out."""
        field = field if self.kept is None else self.kept.undrawn(field)
        return _filter(field, _inverse(self.shaping))

    def to_units(self, field: Float[Array, "h w"]) -> Float[Array, "h w"]:
        """A standardized field in the target's units, clipped; kept pixels are as they came."""
        x = jnp.clip(self.mean + self.scale * field, self.bounds[0], self.bounds[1])
        return x if self.kept is None else jnp.where(self.kept.free, x, self.kept.pixels)

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
        noise = jax.random.normal(key, self.shape)
        if kind == "variable":
            return noise
        if kind == "pixels":
            return self.variable(noise)
        if kind == "gaussian":
            return _filter(noise, self.prior * _inverse(self.shaping))
        spectrum = skewed_spectrum(noise, self.prior, self.levels)
        return jnp.fft.irfft2(spectrum * _inverse(self.shaping), s=noise.shape)

    def _check_free(self) -> None:
        if self.kept is not None:
            raise InputError(
                "The model keeps pixels: put the one without them on another shape, and then keep."
            )

    def complete(self, *, key: PRNGKeyArray) -> Float[Array, "h w"]:
        """Kept pixels, and a Gaussian sample given them, in the target's units.

        It is what a descent of a model that keeps pixels starts from.

        Args:
            key: random key.

        Raises:
            InputError: if no pixels are kept.
        """
        if self.kept is None:
            raise InputError("The model keeps no pixels: say which ones by keeping(field).")
        given = np.where(self.kept.free, np.nan, self.kept.pixels)
        return self.gaussian.complete(given, key=key)


def assembled(
    descriptor: Descriptor,
    reference: Reference,
    gaussian: GaussianModel,
    *,
    levels: Float[Array, " n"],
    bounds: Float[Array, "2"],
    exponent: float,
) -> MomentModel:
    """A model of its parts: what follows from them are units, weights and gains."""
    unit = unit_of(descriptor, reference.noise)
    radial = _radial(np.asarray(gaussian.spectrum, np.float64))
    shaping, prior = radial ** (exponent / 2), np.sqrt(radial)
    prior[0, 0] = 0
    if not matches(descriptor, GrayLevels):
        shaping[0, 0] = 0
    return MomentModel(
        descriptor=descriptor,
        reference=reference,
        gaussian=gaussian,
        unit=unit,
        weights=descriptor.weights(reference.moments, unit),
        levels=levels,
        shaping=jnp.asarray(shaping, float),
        prior=jnp.asarray(prior, float),
        bounds=bounds,
        exponent=exponent,
    )


def _resized(levels: Float[Array, " n"], count: int) -> Float[Array, " m"]:
    """Another number of quantiles, the least and the largest as they are."""
    return quantiles(levels, count).at[jnp.asarray([0, -1])].set(levels[jnp.asarray([0, -1])])


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
