"""What is measured: ``.scoreboard``, ``.null`` and ``.ablation``; speed without a name."""
