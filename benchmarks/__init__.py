"""What is measured, and how: ``python -m benchmarks`` for speed, ``.quality``, ``.ablation``."""
