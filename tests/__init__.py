"""The suite. Its promises are the names of its tests; `python -m tests` runs all of it, on both databases."""
