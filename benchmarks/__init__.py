"""Measurements: ``.scoreboard``, ``.null``, ``.copying``, ``.ablation``; speed without a name."""
