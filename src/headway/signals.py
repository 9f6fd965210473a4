"""What a project may listen to. Sent after the commit, in the process that made the change."""

from django.dispatch import Signal

__all__ = [
    "part_taken_over",
    "parts_due",
    "run_changed",
    "run_ended",
    "start_answered",
    "watchers_changed",
    "write_fenced",
]

run_ended = Signal()
"""A run has ended. Arguments: `run_id` (UUID), `operation` (str), `state` (str, terminal)."""

run_changed = Signal()
"""A run has changed, so that its watchers may want to look. Argument: `run_id` (UUID)."""

parts_due = Signal()
"""Parts can be claimed from now on: the engine rings. Arguments: `operation` (str), `parts` (int, how many)."""

start_answered = Signal()
"""A start or a retry has its answer. Arguments: `operation` (str), `disposition` (str: "created", "queued", "joined",
"replayed", or "refused" where another run stood in the way), `run_id` (UUID; None where refused)."""

part_taken_over = Signal()
"""A worker goes on with a part whose owner is gone or was silent. Argument: `run_id` (UUID)."""

write_fenced = Signal()
"""A worker has found that its part isn't its own any more, so what it had not committed is void. Argument: `run_id`."""

watchers_changed = Signal()
"""A watcher has come or gone. Argument: `watchers` (int, on this hub). On the event loop: be quick."""
