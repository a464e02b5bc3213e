"""The pipeline from a RASP expression to a model."""
