"""The figures of live delivery. Each starts the web process that it measures and ends it."""
