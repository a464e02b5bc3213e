"""Compiled models made to look trained: rotated, compressed, noised, trained on."""
