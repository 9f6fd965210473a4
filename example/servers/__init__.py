"""Real servers from wheels, for the tests and for the demo: nothing to install, and none outlives who started it."""
