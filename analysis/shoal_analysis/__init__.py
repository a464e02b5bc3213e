"""Looks at programs, models and allocations, and never changes them."""
