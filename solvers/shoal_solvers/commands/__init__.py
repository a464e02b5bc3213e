"""The commands of ``python -m shoal_solvers``, one file each: what it takes, and ``run``."""
