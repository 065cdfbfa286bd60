"""What is measured: ``.scoreboard``, ``.null``, ``.copying``, ``.ablation``; speed without a name."""
