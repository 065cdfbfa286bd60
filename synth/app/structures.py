"""Structures of results as text: to read one runs no code, whatever the text says.

The text names classes, but nothing is imported for it: only classes of this package, equinox and
optax count that are loaded anyway.
"""

import json
import sys
from types import ModuleType
from typing import Any

import equinox as eqx
import jax
from jaxtyping import PyTree

__all__ = ["from_text", "to_text"]

_PACKAGES = ("synth", "equinox", "optax")
_LEAF = 0


def to_text(tree: PyTree) -> str:
    """Describe a tree's structure.

    Args:
        tree: of dictionaries with names as keys, tuples, lists, named tuples, modules and None.

    Returns:
        JSON.

    Raises:
        ValueError: if a text cannot describe this structure, such as one with static fields.
    """
    text = json.dumps(_described(tree))
    if jax.tree.structure(from_text(text)) != jax.tree.structure(tree):
        raise ValueError("This structure cannot be described.")
    return text


def from_text(text: str) -> PyTree:
    """The tree that a text describes, with zeros as leaves.

    Raises:
        ValueError: if this is no description, or names a class that is not known.
    """
    return _built(json.loads(text))


def _described(tree: PyTree) -> Any:  # noqa: ANN401 - any JSON
    """Containers are lists that start with the name of their class."""
    if tree is None:
        return None
    if isinstance(tree, eqx.Module):
        parts = vars(tree)
    elif hasattr(tree, "_fields"):
        parts = tree._asdict()
    elif isinstance(tree, dict):
        parts = tree
    elif isinstance(tree, tuple | list):
        return [type(tree).__name__, *map(_described, tree)]
    else:
        return _LEAF
    return [_name(type(tree)), {name: _described(part) for name, part in parts.items()}]


def _built(description: Any) -> PyTree:  # noqa: ANN401 - any JSON
    if not isinstance(description, list):
        return description
    name, *parts = description or [None]
    if not isinstance(name, str):
        raise ValueError(f"There is no class {name} for a structure.")
    if name in ("tuple", "list"):
        built = [_built(part) for part in parts]
        return built if name == "list" else tuple(built)
    if len(parts) != 1 or not isinstance(parts[0], dict):
        raise ValueError(f"{name} has no fields in a structure.")
    fields = {field: _built(part) for field, part in parts[0].items()}
    if name == _name(dict):
        return fields
    return _instance(_class(name), fields)


def _instance(kind: type, fields: dict[str, PyTree]) -> PyTree:
    """An object with these fields, as JAX makes it: no check of the class runs."""
    if issubclass(kind, tuple):
        return tuple.__new__(kind, fields.values())
    module = object.__new__(kind)
    for name, value in fields.items():
        object.__setattr__(module, name, value)
    return module


def _class(name: str) -> type:
    """A class of modules or named tuples of a loaded package, where its own name says it is."""
    parts = name.split(".")
    for count in range(1, len(parts)):
        found: Any = sys.modules.get(".".join(parts[:count]))
        for part in parts[count:]:
            found = vars(found).get(part) if isinstance(found, ModuleType | type) else None
        if _counts(found) and _name(found) == name:
            return found
    raise ValueError(f"There is no class {name} for a structure.")


def _counts(value: Any) -> bool:  # noqa: ANN401 - anything that a module may hold
    if not isinstance(value, type) or value.__module__.split(".")[0] not in _PACKAGES:
        return False
    return issubclass(value, eqx.Module) or (issubclass(value, tuple) and hasattr(value, "_fields"))


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
