"""Whether a synthesized texture is its target again: whole and shifted, or in parts.

No statistic can tell a copy from a good texture, so these two signs stand beside the score.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int

from synth.metrics._check import check_candidate, check_target, plain
from synth.metrics._statistic import in_units_of
from synth.metrics._units import Units
from synth.metrics.patches import SIDE, patches_at, windows
from synth.transforms.estimate import Periodic, complete
from synth.transforms.fourier import half_octaves, periodogram, radial_average, radial_frequency

if TYPE_CHECKING:
    from scipy.spatial import KDTree

# Independent pieces of the bundled gray textures and of three photographs stay under 0.12 and
# 0.03, components of the material's few stones under 0.25, bricks, whose bond agrees, under 0.35;
# targets of which one half was copied stand above 0.4 and 0.25.
_CORRELATION = 0.25
_COHERENCE = 0.12
# The largest of N correlations of N independent waves is 2 to 3.5 / √N for N from 10 to 256.
_CHANCE = 4.0
_FAR = 0.25  # of a side

_FLOOR = 1e-2  # power of a wave, 20 dB below white noise: fainter ones may be drowned in noise
_DIMENSIONS = 10  # principal components of patches that are compared
_ROUNDING = 1e-20  # of the target's power
_QUERIES = 768
_LEARNED = 8192  # patches that components are found from
_AT_ONCE = 65536  # patches that are cut at a time
_FEWEST = 100  # queries; a fraction of fewer says nothing


class Copying(NamedTuple):
    """Two signs that a field repeats its target.

    Attributes:
        correlation: largest normalized cross-correlation over all shifts, both fields
            whitened by the target's radial spectrum; about 0 for an independent field, 1 for
            a copy, 1/2 where half of the target was copied.
        coherence: fraction of nearest 7 × 7 patches whose neighbors, 7 pixels on, are nearest
            patches too; 0 where the field has under a hundred.
        chance: correlation that independent fields may reach: by their few waves, plus what the
            target has with itself from a quarter of a side away.
    """

    correlation: float
    coherence: float
    chance: float = 0.0

    @property
    def copied(self) -> bool:
        """Whether either sign is beyond what independent pieces of a texture show.

        A pattern that repeats exactly is always a copy of itself.
        """
        return self.correlation > self.limit or self.coherence > _COHERENCE

    @property
    def limit(self) -> float:
        """Correlation that independent pieces of a texture do not reach."""
        return max(_CORRELATION, self.chance)


def copying(
    target: Float[np.ndarray, "*c h w"],
    candidate: Float[np.ndarray, "... _ _"],
    *,
    periodic: Periodic = True,
) -> Copying:
    """Look for the target in a candidate.

    Fields of several channels are compared by the target's principal components that hold 5 %
    of the variance or more, each for itself. The strongest signs count.

    Args:
        target: the texture, ``h w`` or ``c h w``; its missing pixels (NaN) are drawn.
        candidate: a field of the same shape, in the same units; it may miss what the target
            misses.
        periodic: whether opposite borders match, per axis, where missing pixels are drawn.

    Returns:
        The signs.

    Raises:
        InputError: if the fields differ in shape or are not finite where they must be, or the
            target is constant or has under 16 pixels on a side.

    Example:
        >>> x, y = np.random.default_rng(0).normal(size=(2, 64, 64))
        >>> copying(x, np.roll(x, (3, 9), (0, 1))).copied, copying(x, y).copied
        (True, False)

    Source:
        M. Ashikhmin, "Synthesizing natural textures", I3D (2001), for the coherence of
        nearest patches.
    """
    target, candidate = plain(target), plain(candidate)
    check_target(target)
    check_candidate("The candidate", candidate, target)
    if target.ndim == 2:
        known, other = target[None], candidate[None]
    else:
        units = Units.of(target)
        known, other = (units.express(field)[: units.leading] for field in (target, candidate))
    pairs = zip(known, other, strict=True)
    return strongest([Original.of(x, periodic).signs(y) for x, y in pairs])


def strongest(signs: Sequence[Copying]) -> Copying:
    """The strongest of several signs: the largest correlation beyond chance, and coherence.

    Args:
        signs: of the components of one field.
    """
    first = max(signs, key=lambda one: one.correlation / one.limit)
    return first._replace(coherence=max(one.coherence for one in signs))


class Original(NamedTuple):
    """What candidates are searched for: one plane of the target, prepared once for all of them.

    Attributes:
        plane: as it was given.
        periodic: axes across which its missing pixels, and those of candidates, are drawn.
        whitening: factor of every wave.
        spectrum: of the plane, whitened.
        mean: of its patches.
        axes: principal components of the patches.
        tree: of all patches, by these components.
    """

    plane: Float[np.ndarray, "h w"]
    periodic: Periodic
    whitening: Float[np.ndarray, "h w"]
    spectrum: Complex[np.ndarray, "h w"]
    mean: Float[np.ndarray, " 49"]
    axes: Float[np.ndarray, "49 d"]
    tree: "KDTree"

    @classmethod
    def of(cls, plane: Float[np.ndarray, "h w"], periodic: Periodic = True) -> "Original":
        """Prepare a plane, which may miss pixels (NaN)."""
        from scipy.spatial import KDTree

        x = complete(in_units_of(plane, plane), periodic=periodic)
        whitening, patched = _whitening(x), x.astype(np.float32)
        mean, axes = _components(windows(patched, (False, False), most=_LEARNED))
        places = _places(plane.shape).ravel()
        parts = np.array_split(places, max(1, len(places) // _AT_ONCE))
        points = np.concatenate([(patches_at(patched, part) - mean) @ axes for part in parts])
        tree = KDTree(points, leafsize=40, balanced_tree=False)
        return cls(plane, periodic, whitening, np.fft.fft2(x) * whitening, mean, axes, tree)

    def signs(self, candidate: Float[np.ndarray, "h w"]) -> Copying:
        """Signs of a plane of the same shape and in the same units."""
        y = complete(in_units_of(self.plane, candidate), periodic=self.periodic)
        correlation, chance = _correlation(self.spectrum, np.fft.fft2(y) * self.whitening)
        return Copying(correlation, self._coherence(y.astype(np.float32)), chance)

    def _coherence(self, candidate: Float[np.ndarray, "h w"]) -> float:
        """Fraction of patches u of the candidate with v(u + δ) = v(u) + δ, v the nearest place.

        Only patches richer than the median take part: flat ones are everywhere alike. A step δ
        of a patch's side leaves no pixel in common, so that smoothness alone keeps no neighbor.
        """
        place, kept = _places(candidate.shape), []
        for first, second in ((place[:-SIDE], place[SIDE:]), (place[:, :-SIDE], place[:, SIDE:])):
            starts = _rich(candidate, first.ravel(), second.ravel())
            step = second[0, 0] - first[0, 0]
            found = [
                self.tree.query((patches_at(candidate, places) - self.mean) @ self.axes)[1]
                for places in (starts, starts + step)
            ]
            kept.append(found[1] == found[0] + step)
        answers = np.concatenate(kept)
        return float(answers.mean()) if len(answers) >= _FEWEST else 0.0


def _places(shape: tuple[int, ...]) -> Int[np.ndarray, "a b"]:
    """Numbers of the places of all patches within a field, along rows."""
    height, width = (n - SIDE + 1 for n in shape)
    return np.arange(height * width).reshape(height, width)


def _whitening(target: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Factor of every wave that flattens the target's radial spectrum; 0 for the mean.

    Without it, two smooth fields are alike by their few longest waves.
    """
    frequency, power = radial_average(periodogram(target), half_octaves(target.shape))
    radius = np.fft.ifftshift(radial_frequency(target.shape))
    level = np.interp(radius, frequency, power)
    return np.where(radius > 0, 1 / np.sqrt(level + _FLOOR), 0)


def _correlation(
    target: Complex[np.ndarray, "h w"], candidate: Complex[np.ndarray, "h w"]
) -> tuple[float, float]:
    """Largest correlation of two spectra over all shifts, and what may happen by chance."""
    own, foreign = np.abs(target) ** 2, np.abs(candidate) ** 2
    products = np.fft.ifft2(target * np.conj(candidate)).real * target.size
    # A constant has no waves but round-off, which must not be taken for a texture.
    norm = np.sqrt(own.sum() * max(foreign.sum(), _ROUNDING * own.sum()))
    waves = own.sum() ** 2 / (own**2).sum()
    chance = _CHANCE / np.sqrt(waves) + _order(own)
    return float(products.max() / norm), float(chance)


def _order(power: Float[np.ndarray, "h w"]) -> float:
    """Largest correlation with itself at a quarter of a side or more.

    A regular pattern agrees with itself from afar, and so does another field of it, once shifted.
    """
    own = np.fft.ifft2(power).real
    row, column = (np.abs(np.fft.fftfreq(n)) >= _FAR for n in power.shape)
    return float(own[row[:, None] | column].max() / own[0, 0])


def _components(
    patches: Float[np.ndarray, "n 49"],
) -> tuple[Float[np.ndarray, " 49"], Float[np.ndarray, "49 d"]]:
    """Mean and leading principal components of patches."""
    axes = np.linalg.eigh(np.cov(patches.T))[1][:, : -_DIMENSIONS - 1 : -1]
    return patches.mean(axis=0), axes.astype(np.float32)


def _rich(
    field: Float[np.ndarray, "h w"], first: Int[np.ndarray, " n"], second: Int[np.ndarray, " n"]
) -> Int[np.ndarray, " m"]:
    """Some of the places where a patch and its neighbor vary more than half of them do."""
    from scipy.ndimage import uniform_filter

    x = field.astype(np.float64)
    variance = uniform_filter(x * x, SIDE) - uniform_filter(x, SIDE) ** 2
    inner = variance[SIDE // 2 : -(SIDE // 2), SIDE // 2 : -(SIDE // 2)].ravel()
    least = np.minimum(inner[first], inner[second])
    rich = first[least >= np.median(least)]
    return np.random.default_rng(0).choice(rich, min(len(rich), _QUERIES // 2), replace=False)
