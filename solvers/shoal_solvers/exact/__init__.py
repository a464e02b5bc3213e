"""The exact search: one objective after the other, each closed by a bound or by an engine."""
