"""The exact solver on CP-SAT: booleans, constraints, objectives, and the search."""
