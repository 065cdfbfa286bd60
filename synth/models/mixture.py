"""Mixtures: models between those of several pictures, linear in what they keep.

Textures that differ in size or shape are nowhere near each other as pictures. Their moments are
numbers of one kind, and the straight line between two of them is a path of textures.
"""

from collections.abc import Sequence
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from synth.errors import InputError
from synth.models.gaussian import GaussianModel
from synth.models.moments import MomentModel, assembled
from synth.models.reference import Reference
from synth.statistics import evenly, mixed_levels

__all__ = ["mix"]

Model = TypeVar("Model", GaussianModel, MomentModel)
Tree = TypeVar("Tree")


def mix(models: Sequence[Model], shares: Sequence[float]) -> Model:
    """Model whose moments are the mean Σ aᵢ Sᵢ of those of several models.

    Standardized fields that are of kind i in a share aᵢ of their area have these moments, and the
    law Σ aᵢ Fᵢ of gray levels. Noise, spectrum, mean and standard deviation are averaged, too.

    Args:
        models: all Gaussian ones, or all of one descriptor, for fields of one shape: put them on
            it by ``on(shape)``.
        shares: aᵢ, not negative, with the sum 1.

    Returns:
        The model; ``models[i]`` itself, but for rounding, where its share is 1.

    Raises:
        InputError: if shares are no such numbers, models differ in shape, descriptor or
            exponents, or keep pixels.

    Example:
        >>> import jax
        >>> from synth import fit_gaussian, mix
        >>> rough, smooth = np.random.default_rng(0).normal(size=(2, 32, 32)).cumsum(2)
        >>> float(mix([fit_gaussian(rough), fit_gaussian(5 + smooth)], [0.5, 0.5]).mean) > 2
        True
    """
    _check(models, shares)
    moment_models = [model for model in models if isinstance(model, MomentModel)]
    if not moment_models:
        return _gaussian(models, shares)  # pyright: ignore[reportArgumentType, reportReturnType]
    return _mixed(moment_models, shares)  # pyright: ignore[reportReturnType]


def _mixed(models: Sequence[MomentModel], shares: Sequence[float]) -> MomentModel:
    descriptor = models[0].descriptor
    gaussian = _gaussian([model.gaussian for model in models], shares)
    reference = Reference(
        moments=descriptor.mixed([model.target for model in models], shares),
        noise=_mean([model.noise for model in models], shares),
        area=_mean([model.reference.area for model in models], shares),
    )
    used = [model for model, share in zip(models, shares, strict=True) if share]
    ranges = tuple(
        _widest(gaussian, used, [getattr(model, name) for model in used])
        for name in ("bounds", "range")
    )
    return assembled(
        descriptor,
        reference,
        gaussian,
        levels=_mixed_levels([model.levels for model in models], shares),
        ranges=ranges,  # pyright: ignore[reportArgumentType]
        exponents=models[0].exponents,
    )


def _gaussian(models: Sequence[GaussianModel], shares: Sequence[float]) -> GaussianModel:
    """Mean spectra and units; axes are averaged and made as long as the mean deviations."""
    mean = _mean(models, shares)
    if not mean.units.channels:
        return mean
    # The inverse of mean axes is no mean. It is that of axes in deviations of the channels.
    axes = np.asarray(mean.units.scale / _unit(mean)[:, None], np.float64)
    deviation = np.asarray(_mean([model.scale for model in models], shares), np.float64)
    scale = deviation[:, None] * axes
    inverse = np.linalg.pinv(axes) / np.where(deviation > 0, deviation, 1)
    return eqx.tree_at(
        lambda m: (m.units.scale, m.units.inverse),
        mean,
        (jnp.asarray(scale, float), jnp.asarray(inverse, float)),
    )


def _unit(gaussian: GaussianModel) -> Float[Array, "*d"]:
    """Standard deviation of every channel; 1 of one that is constant."""
    return jnp.where(gaussian.scale > 0, gaussian.scale, 1)


def _widest(
    gaussian: GaussianModel, models: Sequence[MomentModel], ends: Sequence[Float[Array, "2 *d"]]
) -> Float[Array, "2 *d"]:
    """Widest of several ranges, in standard deviations of each model, in the mean one's units."""
    standard = np.array(
        [
            (end - model.mean) / _unit(model.gaussian)
            for model, end in zip(models, ends, strict=True)
        ]
    )
    widest = np.stack([standard[:, 0].min(0), standard[:, 1].max(0)])
    return jnp.asarray(gaussian.mean + _unit(gaussian) * widest, float)


def _mixed_levels(
    levels: Sequence[Float[Array, "*k _"]], shares: Sequence[float]
) -> Float[Array, "*k n"]:
    """Levels of the mixed law; or as many colors of each as are its share."""
    if levels[0].ndim == 1:
        return mixed_levels(levels, shares)
    count = max(each.shape[-1] for each, share in zip(levels, shares, strict=True) if share)
    counts = np.diff(np.round(count * np.cumsum([0, *shares])).astype(int)).tolist()
    parts = [evenly(each, number) for each, number in zip(levels, counts, strict=True)]
    return jnp.concatenate(parts, axis=-1)


def _mean(trees: Sequence[Tree], shares: Sequence[float]) -> Tree:
    """Σ aᵢ of every array of trees of one structure."""
    return jax.tree.map(
        lambda *each: jnp.asarray(sum(a * x for a, x in zip(shares, each, strict=True))), *trees
    )


def _check(models: Sequence[GaussianModel | MomentModel], shares: Sequence[float]) -> None:
    if len(models) != len(shares) or not models:
        raise InputError(f"{len(models)} models and {len(shares)} shares: give a share of each.")
    if not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-6):
        words = ", ".join(f"{share:g}" for share in shares)
        raise InputError(f"The shares are {words}: give numbers from 0 on whose sum is 1.")
    if len({type(model) for model in models}) > 1:
        raise InputError("Gaussian and moment models do not mix: give models of one kind.")
    shapes = sorted({model.shape for model in models})
    if len(shapes) > 1:
        words = " and ".join(f"{height} × {width}" for height, width in shapes)
        raise InputError(
            f"The models are for fields of {words} pixels: put them on one shape by on(shape)."
        )
    if any(isinstance(model, MomentModel) and model.kept is not None for model in models):
        raise InputError("A model keeps pixels: mix first, and then say which ones are kept.")
    counts = [_components(model) for model in models]
    if len(set(counts)) > 1:
        words = " and ".join(map(str, counts))
        raise InputError(
            f"The pictures have {words} independent channels: mix pictures of as many, or all in "
            "gray."
        )
    kinds = {jax.tree.structure(model) for model in models}
    if len(kinds) > 1 or len({_sizes(model) for model in models}) > 1:
        raise InputError(
            "The models match different moments: fit them with one descriptor, of as many scales "
            "and angles, and the same exponents."
        )


def _components(model: GaussianModel | MomentModel) -> int:
    """Number of principal components of the target."""
    gaussian = model.gaussian if isinstance(model, MomentModel) else model
    return len(gaussian.power) if gaussian.power.ndim > 2 else 1


def _sizes(model: GaussianModel | MomentModel) -> tuple[tuple[int, ...], ...]:
    """Shapes of all arrays, but of colors: pictures of any size have one each per pixel."""
    if isinstance(model, MomentModel):
        model = eqx.tree_at(lambda m: m.levels, model, model.levels[..., :1])
    return tuple(np.shape(leaf) for leaf in jax.tree.leaves(model))
