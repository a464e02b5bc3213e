"""How good a claim about a model is, when the truth is known."""
