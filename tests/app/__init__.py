"""An app with models and operations to be tested with."""
