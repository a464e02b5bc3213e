"""Fuzzing: random programs, and what must hold for every one of them."""
