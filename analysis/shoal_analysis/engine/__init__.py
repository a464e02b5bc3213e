"""Long runs, batch by batch: on this machine or a cluster, resumable, and nothing counted twice."""
