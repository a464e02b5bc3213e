"""Craft: the assembly language, linear algebra with named dimensions."""
