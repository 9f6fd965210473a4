"""The trace of a run, from the request that starts it to what its items call."""
