"""What the databases can do, and where they differ. Knows no table of Headway's."""

from headway.clock import NowMs, now_ms

from .faults import is_broken, is_lost, is_transient
from .hooks import Hooks
from .parameters import as_one_parameter, as_table
from .sessions import (
    bound_idle_transactions,
    close_before_fork,
    forget,
    idle_timeout_ms,
    is_seen_by_no_other,
    outside_transaction,
    set_sync,
    sync_each_commit,
)
from .undoing import undone
from .writing import back_off, data_version, delete_any, write, write_beside_project
