"""A page that shows a compiled model, and runs it: one file of HTML that needs no network."""
