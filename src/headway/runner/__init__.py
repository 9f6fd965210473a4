"""The one loop: it advances a part that an engine has claimed, and never knows which engine that was."""

from .pulse import Pulse
from .work import Outcome, work

__all__ = ["Outcome", "Pulse", "work"]
