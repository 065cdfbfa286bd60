"""The moment model: the moments of a descriptor, sampled by descent (``synth.descent``).

Fields in and out are in the target's own units; inside the model they have mean 0 and variance 1.
"""

import math
from collections.abc import Sequence
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Inexact, PRNGKeyArray

from synth.errors import InputError
from synth.models.check import check_shape
from synth.models.gamut import Gamut, gamut_of
from synth.models.gaussian import GaussianModel
from synth.models.keeping import Kept, Surroundings, surroundings
from synth.models.reference import Reference, moments_on_torus
from synth.models.start import Start, skewed_spectrum
from synth.parallel.mesh import whole
from synth.parallel.programs import compiled
from synth.statistics import (
    Colors,
    Descriptor,
    GrayLevels,
    Moments,
    Residual,
    evenly,
    matches,
    quantiles,
    unit_of,
)
from synth.transforms.radial import half_plane_radii, radial_powers

__all__ = ["MomentModel", "assembled", "resized"]


class MomentModel(eqx.Module):
    """Fields with the moments of a target: the maximum-entropy texture of Bruna & Mallat.

    The descent's variable z gives the field x = F⁻¹(|ω/π|^b P̄^{a/2} ẑ), P̄ the target's radially
    averaged spectrum: a = b = 0 descends on pixels, a = 1 on a whitened field. Of several channels
    P̄ is a matrix, the radially averaged cross spectra of the target's principal components. The
    gain is 0 at the frequency 0, so that fields have the target's mean; where gray levels are
    matched they hold it.

    Attributes:
        descriptor: maps a field to its moments.
        reference: the target's moments and their estimation noise.
        gaussian: mean, standard deviation and spectrum of the target.
        unit: noise that residuals are counted in: the reference's, as far as it is not capped.
        weights: frozen weights of the loss, one per moment.
        levels: the target's gray levels in increasing order, standardized, one per pixel; of
            several components as many colors of known pixels, a column each.
        shaping: |ω/π|^b P̄^{a/2} on the half-plane of a real FFT, see ``transforms.radial``.
        prior: P̄^{1/2} there.
        bounds: least and largest value of new fields, in the target's units; per channel.
        range: the target's least and largest value, in its units.
        exponents: a and b.
        gamut: colors that new fields may have, where they are matched; or None.
        kept: pixels that are given, or None.
    """

    descriptor: Descriptor
    reference: Reference
    gaussian: GaussianModel
    unit: Residual
    weights: Moments
    levels: Float[Array, "*k n"]
    shaping: Float[Array, "*k_k h w_"]
    prior: Float[Array, "*k_k h w_"]
    bounds: Float[Array, "2 *d"]
    range: Float[Array, "2 *d"]
    exponents: tuple[float, float] = eqx.field(static=True)
    gamut: Gamut | None = None
    kept: Kept | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of new fields, pixels."""
        return self.descriptor.shape

    @property
    def mean(self) -> Float[Array, "*d"]:
        """Mean of the target, in its own units; of every channel."""
        return self.gaussian.mean

    @property
    def scale(self) -> Float[Array, "*d"]:
        """Standard deviation of the target; of every channel."""
        return self.gaussian.scale

    @property
    def target(self) -> Moments:
        """Moments that the loss compares with."""
        return self.reference.moments

    @property
    def noise(self) -> Residual:
        """Estimation noise of the target's moments, block by block."""
        return self.reference.noise

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
        area = math.prod(self.shape) / math.prod(shape)
        ratio = math.sqrt((1 + area) / 2)
        return assembled(
            self.descriptor.on(shape),
            Reference(moments, {name: ratio * level for name, level in self.noise.items()}, area),
            self.gaussian.on(shape),
            levels=self.levels if self.levels.ndim > 1 else resized(self.levels, math.prod(shape)),
            ranges=(self.bounds, self.range),
            exponents=self.exponents,
        )

    def keeping(
        self,
        field: Float[np.ndarray, "*_ _ _"],
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
                _weights(self.descriptor, target, unit),
                self.shaping.at[..., 0, 0].set(self.shaping[..., 0, 1]),
                around.kept,
            ),
            is_leaf=lambda leaf: leaf is None,
        )

    def _around(self, around: Surroundings) -> Moments:
        """Moments of the whole field that its free pixels bring about with the target's own."""

        def mean(fields: Sequence[Float[Array, "*d h w"]]) -> Moments:
            each = [moments_on_torus(self.descriptor, self.from_units(one)) for one in fields]
            return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *each)

        moved = jax.tree.map(
            lambda filled, sample, target: filled + around.share * (target - sample),
            mean(around.fillings), mean(around.samples), self.target,
        )  # fmt: skip
        return self.descriptor.in_part(moved, self._leveled(around))

    def _leveled(self, around: Surroundings) -> Float[Array, "*k h w"]:
        """Kept pixels, and levels or colors of the target in any order in the others."""
        free = np.asarray(around.kept.free)
        leveled = np.array(self.from_units(around.kept.pixels))
        # Their mean is that of the Gaussian fields, as it is in the moments.
        drawn = [np.asarray(self.from_units(one))[..., free] for one in around.fillings]
        shift = np.mean([one.mean(-1) for one in drawn], axis=0)
        levels = np.asarray(resized(self.levels, int(free.sum())))
        ends = np.asarray(self.levels.min(-1)), np.asarray(self.levels.max(-1))
        low, high = (each[..., None] for each in ends)
        leveled[..., free] = np.clip(levels + shift[..., None], low, high)
        return jnp.asarray(leveled)

    def field(self, variable: Float[Array, "*k h w"]) -> Float[Array, "*k h w"]:
        """Standardized field x of a variable z, clipped; kept pixels are as they came."""
        x = _filter(variable, self.shaping)
        if self.kept is None:
            return self._clipped(x)
        x = self._clipped(self.kept.drawn(x))
        return jnp.where(self.kept.free, x, self.from_units(self.kept.pixels))

    def _clipped(self, field: Float[Array, "*k h w"]) -> Float[Array, "*k h w"]:
        """A standardized field within the bounds of every channel."""
        bounded = self.gaussian.units.clipped(field, *self.bounds)
        return bounded if self.gamut is None else self.gamut(bounded)

    def _bounded(self, field: Float[Array, "*d h w"]) -> Float[Array, "*d h w"]:
        low, high = self.bounds[..., None, None]
        return jnp.clip(field, low, high)

    def variable(self, field: Float[Array, "*k h w"]) -> Float[Array, "*k h w"]:
        """Variable z of a standardized field x, its mean left out."""
        field = field if self.kept is None else self.kept.undrawn(field)
        return _filter(field, _inverse(self.shaping))

    def to_units(self, field: Float[Array, "*k h w"]) -> Float[Array, "*d h w"]:
        """A standardized field in the target's units, clipped; kept pixels are as they came."""
        x = self._bounded(self.gaussian.units.to(field))
        return x if self.kept is None else jnp.where(self.kept.free, x, self.kept.pixels)

    def from_units(self, field: Float[Array, "..."]) -> Float[Array, "..."]:
        """A field in the target's units, standardized."""
        return self.gaussian.units.of(field)

    def loss(self, variable: Float[Array, "*k h w"]) -> tuple[Float[Array, ""], Residual]:
        """Weighted squared distance Σ w |D|² of S and S*, and the residual, of a variable."""
        return self.distance(self.descriptor(self.field(variable)))

    def distance(self, moments: Moments) -> tuple[Float[Array, ""], Residual]:
        """Weighted squared distance Σ w |D|² of moments from the target's, and the residual."""
        difference = self.descriptor.difference(moments, self.target)
        terms = jax.tree.map(lambda w, d: jnp.sum(w * _square(d)), self.weights, difference)
        loss = jax.tree.reduce(jnp.add, terms)
        return loss, self.descriptor.residual(moments, self.target)

    def start(self, *, key: PRNGKeyArray, kind: Start = "skewed") -> Float[Array, "*k h w"]:
        """Variable from which a descent starts: seeded noise, of every component its own."""
        noise = jax.random.normal(key, self.descriptor.field_shape)
        if kind == "variable":
            return noise
        if kind == "pixels":
            return self.variable(noise)
        spectrum = _times(self.prior, jnp.fft.rfft2(noise))
        if kind == "skewed":
            skewed, levels = partial(skewed_spectrum, shape=self.shape), self.levels
            if levels.ndim > 1:
                skewed, count = jax.vmap(skewed), math.prod(self.shape)
                levels = jax.vmap(lambda one: quantiles(one, count))(jnp.sort(levels))
            spectrum = skewed(spectrum, levels)
        return jnp.fft.irfft2(_times(_inverse(self.shaping), spectrum), s=self.shape)

    def _check_free(self) -> None:
        if self.kept is not None:
            raise InputError(
                "The model keeps pixels: put the one without them on another shape, and then keep."
            )

    def complete(self, *, key: PRNGKeyArray) -> Float[Array, "*d h w"]:
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
    levels: Float[Array, "*k n"],
    ranges: tuple[Float[Array, "2 *d"], Float[Array, "2 *d"]],
    exponents: tuple[float, float],
) -> MomentModel:
    """A model of its parts: what follows from them are units, weights and gains.

    Args:
        descriptor: of the model's fields.
        reference: moments and noise.
        gaussian: of the same fields.
        levels: gray levels, as many as pixels, or colors.
        ranges: bounds of new fields, and the range of the target.
        exponents: of the variable.
    """
    unit = unit_of(descriptor, reference.noise)
    of_power, of_frequency = exponents
    shaping, prior = radial_powers(np.asarray(gaussian.spectrum), (of_power / 2, 1 / 2))
    radii = half_plane_radii(descriptor.shape)
    radii[0, 0] = radii[0, 1]  # the mean moves as the longest waves do
    shaping *= (radii / np.pi) ** of_frequency
    prior[..., 0, 0] = 0
    if not matches(descriptor, (GrayLevels, Colors)):
        shaping[..., 0, 0] = 0
    return MomentModel(
        descriptor=descriptor,
        reference=reference,
        gaussian=gaussian,
        unit=unit,
        weights=_weights(descriptor, reference.moments, unit),
        levels=levels,
        shaping=jnp.asarray(shaping, float),
        prior=jnp.asarray(prior, float),
        bounds=ranges[0],
        range=ranges[1],
        exponents=exponents,
        gamut=gamut_of(levels, gaussian.units) if _has_gamut(descriptor, ranges) else None,
    )


@partial(compiled, rare=True)
def _weights(descriptor: Descriptor, target: Moments, unit: Residual) -> Moments:
    """One program instead of many small ones."""
    return whole(descriptor.weights(target, unit))


def _has_gamut(
    descriptor: Descriptor, ranges: tuple[Float[Array, "2 *d"], Float[Array, "2 *d"]]
) -> bool:
    """Whether colors are matched, within no other bounds than their own."""
    return matches(descriptor, Colors) and bool(jnp.array_equal(*ranges))


def resized(levels: Float[Array, "*k n"], count: int) -> Float[Array, "*k m"]:
    """Another number of quantiles, the least and the largest as they are; or of colors.

    Args:
        levels: in increasing order; of several components a column per color.
        count: how many are wanted.
    """
    if levels.shape[-1] == count:
        return levels
    if levels.ndim > 1:
        return evenly(levels, count)
    return quantiles(levels, count).at[jnp.asarray([0, -1])].set(levels[jnp.asarray([0, -1])])


def _square(z: Inexact[Array, "*n"]) -> Float[Array, "*n"]:
    return z.real**2 + z.imag**2 if jnp.iscomplexobj(z) else z**2


def _filter(
    field: Float[Array, "*k h w"], gain: Float[Array, "*k_k h w_"]
) -> Float[Array, "*k h w"]:
    return jnp.fft.irfft2(_times(gain, jnp.fft.rfft2(field)), s=field.shape[-2:])


def _times(
    gain: Float[Array, "*k_k h w_"], spectrum: Complex[Array, "*k h w_"]
) -> Complex[Array, "*k h w_"]:
    """A gain at every frequency; of several components a matrix."""
    return gain * spectrum if gain.ndim == spectrum.ndim else jnp.sum(gain * spectrum, axis=1)


def _inverse(gain: Float[Array, "*k_k h w_"]) -> Float[Array, "*k_k h w_"]:
    """One over a gain, or the inverse of a positive matrix, by sweeps; 0 where that is 0.

    Source:
        J. H. Goodnight, "A tutorial on the SWEEP operator", Am. Stat. 33 (1979).
    """
    if gain.ndim == 2:
        return jnp.where(gain > 0, 1 / jnp.where(gain > 0, gain, 1), 0)
    positive, eye = jnp.any(gain != 0, axis=(0, 1)), jnp.eye(len(gain))[:, :, None, None]
    rest = jnp.where(positive, gain, eye)
    for index in range(len(gain)):
        pivot, row = rest[index, index], rest[index] / rest[index, index]
        rest = rest - rest[:, index, None] * row
        rest = rest.at[index].set(row).at[:, index].set(row).at[index, index].set(-1 / pivot)
    return jnp.where(positive, -rest, 0)
