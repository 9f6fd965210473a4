"""Wake-ups from one process to others: "this run has changed", "parts are due". They carry no truth.

Whoever hears one asks the database; whoever hears none asks it a little later. So a channel may lose, double and
reorder what is said, and may be gone for hours: that costs latency and nothing else.
"""

from .channels import Channel, Ear, Subject
from .choice import channel
from .listening import Listener
from .telling import connect, tell

__all__ = ["Channel", "Ear", "Listener", "Subject", "channel", "connect", "tell"]
