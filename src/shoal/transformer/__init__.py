"""The transformer: weights, forward passes, encoders, storage."""
