"""Measurements: ``.scoreboard``, ``.null``, ``.copying``, ``.ablation``; speed without a name.

``.peers`` is the speed of neighboring tools, which live in an environment of their own.
"""
