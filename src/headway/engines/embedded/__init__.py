"""The embedded engine: worker processes that poll the parts table, their supervisor, and the doorbell between them."""
