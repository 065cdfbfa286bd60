"""Measurements, each a module with a command; ``python -m benchmarks`` itself is speed.

``.peers`` is the speed of neighboring tools, which live in an environment of their own.
"""
