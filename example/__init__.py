"""The example project: Headway used for real work."""
