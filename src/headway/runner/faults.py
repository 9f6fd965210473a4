"""Which error is no verdict on the item that met it."""

from headway.database import is_lost, is_transient
from headway.errors import MissingParam
from headway.operations.outcomes import Verdict

from .in_hand import Work
from .loading import OperationError


def refuse_faults(work: Work, error: Exception) -> None:
    """Raise what says something about the database or the operation instead of the item: it isn't judged by it."""
    if isinstance(error, Verdict):
        return  # what it caught on its way is its own business
    if isinstance(error, OperationError):
        raise error
    if isinstance(error, MissingParam):
        raise OperationError(f"Its items can't be done. {error}") from error
    if is_transient(error) or (is_lost(error) and work.guard.is_own(error)):
        raise error
