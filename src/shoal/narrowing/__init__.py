"""Linear liveness: of each variable the stream holds what somebody reads, and no more."""
