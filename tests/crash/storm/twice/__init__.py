"""Doorbells that ring twice, one for each engine: what a message says twice must be done once."""
