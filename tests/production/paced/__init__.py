"""An app with one operation, for runs that take as long as they are told to."""
