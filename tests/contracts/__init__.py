"""Contract suites: the same tests for each database, engine and channel."""
