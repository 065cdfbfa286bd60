"""What is measured: ``python -m benchmarks`` for speed; ``.scoreboard``, ``.null``, ``.ablation``."""
