"""What delivers: an engine hears that parts are due, and has a worker claim them. No engine holds logic of its own.

A doorbell carries no truth: a worker that hears it asks the database what is due. A lost one costs about a second,
since every worker asks anyway, and one that rings twice finds nothing.
"""

from .claimant import Claimant
from .engine import Engine, chosen, connect, ring, start_worker

__all__ = ["Claimant", "Engine", "chosen", "connect", "ring", "start_worker"]
