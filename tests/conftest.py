"""Runtime shape checks for every annotated function."""

from jaxtyping import install_import_hook

with install_import_hook("synth", "beartype.beartype"):
    import synth  # noqa: F401
