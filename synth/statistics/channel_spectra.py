"""The scattering spectra of every channel and the covariances between them, as one descriptor."""

import equinox as eqx
from jaxtyping import Array, Float

from synth.statistics.banked import Correlated
from synth.statistics.between_channels import BetweenChannels
from synth.statistics.channels import EachChannel, check_count
from synth.statistics.descriptor import Descriptor, Moments, Residual
from synth.statistics.joint import Joint
from synth.statistics.scattering_spectra import ScatteringSpectra
from synth.transforms.between import channel_spectra
from synth.transforms.weighted import Observation, between_weighted

__all__ = ["SpectraOfChannels"]


class SpectraOfChannels(Correlated):
    """Scattering spectra of fields of several channels: of each, and between them.

    Moments are those of two descriptors, ``each`` and ``between``; made together, they share
    the moduli.

    Attributes:
        bank: the filter bank, which fixes shape, scales, angles and sampling.
        count: number of channels c, from 2 on.
        isotropic: whether the spectra of each channel are averaged over rotations.
    """

    count: int = eqx.field(static=True)
    isotropic: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        check_count(self.count)

    @property
    def num_channels(self) -> int:
        """Number of channels."""
        return self.count

    def of_channels(self, count: int) -> Descriptor:
        """The same moments of fields of another number of channels."""
        if count == 1:
            return ScatteringSpectra(self.bank, self.isotropic)
        return SpectraOfChannels(self.bank, count, self.isotropic)

    def __call__(self, field: Float[Array, "c h w"]) -> dict[str, Moments]:
        """Moments of one field."""
        return channel_spectra(field, self.bank, isotropic=self.isotropic)._asdict()

    def observe(self, picture: Observation) -> dict[str, Moments]:
        """Moments of a picture that may have borders and holes."""
        each = self._parts.parts["each"].observe(picture)
        return {"each": each, "between": between_weighted(picture, self.bank)}

    def weights(self, target: dict[str, Moments], unit: Residual) -> dict[str, Moments]:
        """Weights of both."""
        return self._parts.weights(target, unit)

    def difference(
        self, moments: dict[str, Moments], target: dict[str, Moments]
    ) -> dict[str, Moments]:
        """Differences of both."""
        return self._parts.difference(moments, target)

    def residual(self, moments: dict[str, Moments], target: dict[str, Moments]) -> Residual:
        """Distances of all blocks of both."""
        return self._parts.residual(moments, target)

    @property
    def _parts(self) -> Joint:
        """The two descriptors, which know weights and distances."""
        each = EachChannel(ScatteringSpectra(self.bank, self.isotropic), self.count)
        return Joint({"each": each, "between": BetweenChannels(self.bank, self.count)})
