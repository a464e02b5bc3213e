"""Benchmarks; figures are ratios or times measured in one run, and nothing asserts them."""
