"""Structures as text: they come back, and a text runs nothing."""

import json
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import pytest

from synth.app.structures import from_text, to_text
from synth.transforms.scattering import Scattering


class Foreign(NamedTuple):
    x: int


class Fixed(eqx.Module):
    x: int
    size: int = eqx.field(static=True)


LBFGS = optax.scale_by_lbfgs().init({"a": jnp.zeros(3)})


@pytest.mark.parametrize(
    "tree",
    [
        1.5,
        None,
        (),
        [1, (2, [3])],
        {"b": 1, "a": {"moments/order2": (None, 2)}},
        {"tuple": ("list", [])},
        LBFGS,
        Scattering(jnp.ones(()), jnp.ones((2, 2)), jnp.ones(()), jnp.ones((1, 2, 2))),
    ],
)
def test_a_structure_comes_back(tree):
    assert jax.tree.structure(from_text(to_text(tree))) == jax.tree.structure(tree)


@pytest.mark.parametrize("tree", [Foreign(1), (Fixed(1, 2),), {1: 2}])
def test_what_a_text_cannot_describe_is_refused(tree):
    with pytest.raises(ValueError, match="structure|class"):
        to_text(tree)


@pytest.mark.parametrize("text", ["[]", "[1, {}]", '[["a"], {}]', '["x"]', '["x", [1]]', "[null]"])
def test_what_describes_nothing_is_refused(text):
    with pytest.raises(ValueError, match="structure"):
        from_text(text)


@pytest.mark.parametrize(
    "name", ["os.system", "antigravity.x", "builtins.set", "synth.no", "numpy.ndarray"]
)
def test_no_other_class_is_made(name):
    with pytest.raises(ValueError, match=f"There is no class {name} for a structure"):
        from_text(json.dumps([name, {"x": 0}]))
