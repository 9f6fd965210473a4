"""What delivers: an engine hears that parts are due, and has a worker claim them. No engine holds logic of its own.

A lost doorbell costs latency, never a run: every worker asks for what is due once a second anyway.
"""

from .embedded.doorbell import ring

__all__ = ["ring"]
