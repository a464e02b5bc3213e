"""Pictures of compiled models, for notebooks and pages."""
