"""Test cases for interpretability tools: programs, models, inputs in pairs, and the truth."""
