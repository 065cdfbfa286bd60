"""What is measured, and how: ``python -m benchmarks`` for speed; ``.scoreboard``, ``.null``, ``.ablation``."""
