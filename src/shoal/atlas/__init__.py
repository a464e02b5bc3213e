"""The atlas: everything that is known about a compiled model, as data."""
