"""Neighboring tools, timed in turn with synth: ``python -m benchmarks.peers``; see README.md."""
