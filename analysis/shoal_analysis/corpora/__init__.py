"""Corpora of compiled models: random programs with their weights, for those who train on them."""
