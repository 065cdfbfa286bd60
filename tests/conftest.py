"""Runtime shape checks for every annotated function, and one compilation cache for the session."""

from jaxtyping import install_import_hook

with install_import_hook("synth", "beartype.beartype"):
    import synth  # noqa: F401
