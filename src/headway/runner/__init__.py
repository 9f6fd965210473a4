"""The one loop: it advances a part that an engine has claimed, and never knows which engine that was."""

from .ending import Ending
from .pulse import Pulse
from .work import work

__all__ = ["Ending", "Pulse", "work"]
