"""Solvers of linear models: each takes rows and a start, and gives values and a bound."""
