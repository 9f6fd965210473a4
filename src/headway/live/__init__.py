"""Live delivery: one hub in each web process tells every watcher of every change. It never writes."""

from .wrapper import asgi

__all__ = ["asgi"]
