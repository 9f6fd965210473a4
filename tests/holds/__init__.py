"""Services with databases of their own that contend for a name over Redis."""
