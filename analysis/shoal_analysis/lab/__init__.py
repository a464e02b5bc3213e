"""The laboratory: what known circuits are good for."""
