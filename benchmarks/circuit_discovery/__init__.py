"""How well methods of the field find circuits that are known."""
