"""Launches the example and real servers from wheels, for tests, benchmarks and demos; each ends with its caller."""
