"""Starting and steering runs: the one API for code, HTTP, the admin and the shell.

`user=None` means the code itself, which may do everything; anybody else sees and steers their own runs, and others'
with the permissions `headway.view_run` and `headway.change_run`. Runs are given as themselves or by their id.
"""

from headway.store.starts.requests import Disposition

from .access import get, may_see, may_steer, startable_by, visible_to
from .starting import Started, retry, start
from .steering import cancel, delete, effect_key, pause, resume, settle
from .told import log, outcomes

__all__ = [
    "Disposition",
    "Started",
    "cancel",
    "delete",
    "effect_key",
    "get",
    "log",
    "may_see",
    "may_steer",
    "outcomes",
    "pause",
    "resume",
    "retry",
    "settle",
    "start",
    "startable_by",
    "visible_to",
]
