"""Experiments with compiled models; each room says what it needs besides."""
