"""Circuits of compiled models as graphs: who reads what of whom."""
