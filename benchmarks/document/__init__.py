"""``docs/benchmarks.md``: what compiled models cost, measured and drawn."""
