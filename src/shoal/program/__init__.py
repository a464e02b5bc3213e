"""The traced program: graph, passes and value inference."""
