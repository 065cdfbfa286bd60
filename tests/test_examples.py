"""What the documents show runs: examples in docstrings, and the README's Python."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import synth

MODULES = [info.name for info in pkgutil.walk_packages(synth.__path__, "synth.")]
README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_readme_s_python():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 6
    names = {}
    for code in blocks:
        exec(code, names)
    assert names["texture"].outcome == "converged"
    assert names["control"].shape == names["target"].shape


def test_every_public_name_is_there_and_documented():
    for name in synth.__all__:
        member = getattr(synth, name)
        assert not callable(member) or member.__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = synth.nothing
    assert len(synth.__all__) <= 40
