"""The commands, a file each; with ``display`` they alone print.

Heavy imports wait until a command runs, so that help comes at once.
"""

from synth.app.commands.classify import classify
from synth.app.commands.compare import compare
from synth.app.commands.generate import generate
from synth.app.commands.lists import cache, list_
from synth.app.commands.process import process

__all__ = ["cache", "classify", "compare", "generate", "list_", "process"]
