"""The pages: start a run, watch it, find it again. A template never queries."""

from .start import StartRunView

__all__ = ["StartRunView"]
