"""What a project may listen to. Sent after the commit, in the process that made the change."""

from django.dispatch import Signal

__all__ = ["run_ended"]

run_ended = Signal()
"""A run has ended. Arguments: `run_id` (UUID), `operation` (str), `state` (str, terminal)."""
