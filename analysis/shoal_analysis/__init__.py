"""Looks at programs, models and allocations, and never changes them."""

from shoal_analysis.drawings import draw_columns, draw_occupancy, draw_schedule

__all__ = ["draw_columns", "draw_occupancy", "draw_schedule"]
