"""Wake-ups between machines: "parts are due". They carry no truth.

A worker that hears one asks the database; a worker that hears none asks it a little later. So a channel may lose,
double and reorder messages, and may be gone for hours: that costs latency and nothing else.
"""

from .choice import Listener, send

__all__ = ["Listener", "send"]
