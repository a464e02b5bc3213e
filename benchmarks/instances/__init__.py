"""Public allocation problems, what is known about them, and a ranking of solvers on them."""
