"""The problem as linear rows over booleans: what every exact solver is given."""
