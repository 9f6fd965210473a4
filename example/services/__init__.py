"""Two services beside each other, each with a database of its own (docs/how-to/services.md)."""
