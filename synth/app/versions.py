"""Versions of packages; this one may run from a checkout that is not installed."""

from importlib import metadata

__all__ = ["version"]


def version(package: str) -> str:
    """Version of an installed package; ``unknown`` of one that is not."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
