"""How the values of a domain lie in coordinates; one file for a form, and nobody else knows."""
