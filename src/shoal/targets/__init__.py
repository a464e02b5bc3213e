"""What runs the weights of a model: one file for a target, and a registry of them."""
