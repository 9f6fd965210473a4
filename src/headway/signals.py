"""What a project may listen to. Sent after the commit, in the process that made the change."""

from django.dispatch import Signal

__all__ = ["parts_due", "run_changed", "run_ended"]

run_ended = Signal()
"""A run has ended. Arguments: `run_id` (UUID), `operation` (str), `state` (str, terminal)."""

run_changed = Signal()
"""A run has changed, so that its watchers may want to look. Argument: `run_id` (UUID)."""

parts_due = Signal()
"""Parts can be claimed from now on: the engine rings. Arguments: `operation` (str), `parts` (int, how many)."""
