"""Compiled parts inside a trained transformer, and learnt parts inside a compiled one."""
