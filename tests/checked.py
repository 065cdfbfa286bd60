"""The checker of annotations: ``int`` passes for ``float``, as it does for pyright."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
