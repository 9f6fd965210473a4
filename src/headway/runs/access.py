"""Who may see and steer which runs, and start which operations."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from headway.errors import Forbidden, RunNotFound, StartForbidden
from headway.models import Run
from headway.operations import registry
from headway.operations.base import Operation
from headway.operations.declarations import SIGNED_IN


def get(run: Run | UUID | str, *, user: Any = None) -> Run:
    """The run as it is now. Raises RunNotFound, for a run that `user` may not see as well."""
    found = Run.objects.filter(pk=id_of(run)).first()
    if found is None or not may_see(found, user):
        raise RunNotFound(run.pk if isinstance(run, Run) else run)
    return found


def id_of(run: Run | UUID | str) -> UUID:
    """Its id. Raises RunNotFound for a text that is none."""
    try:
        return run.pk if isinstance(run, Run) else UUID(str(run))
    except ValueError:
        raise RunNotFound(run) from None


def there(run: Run | UUID | str) -> Run:
    """The run as it is given, or the one with this id. Raises RunNotFound."""
    return run if isinstance(run, Run) else get(run)


def is_visible(run_id: UUID, user: Any) -> bool:
    """Whether there is such a run and `user` may see it. Reads one column: every opening of a stream asks this."""
    owners = Run.objects.filter(pk=run_id).order_by().values_list("started_by_id", flat=True)[:1]
    return any(is_for(owner, user) for owner in owners)


def visible_to(user: Any) -> QuerySet[Run]:
    """The runs that `user` may see, the newest first."""
    if user is None or has_permission(user, "headway.view_run"):
        return Run.objects.all()
    return Run.objects.filter(started_by=user.pk) if user.is_authenticated else Run.objects.none()


def startable_by(user: Any) -> list[type[Operation]]:
    """The operations that `user` may start from Headway's pages and HTTP API, by name."""
    return [operation for operation in registry.offered() if may_start(operation, user)]


def may_see(run: Run | UUID | str, user: Any) -> bool:
    """True for its owner, for a user with headway.view_run, and for code. Raises RunNotFound."""
    return is_for(there(run).started_by_id, user)


def is_for(owner_key: Any, user: Any, permission: str = "headway.view_run") -> bool:
    """`may_see`, where only the owner is known."""
    return user is None or (owner_key is not None and owner_key == user.pk) or has_permission(user, permission)


def may_steer(run: Run | UUID | str, user: Any) -> bool:
    """True for its owner, for a user with headway.change_run, and for code. Raises RunNotFound."""
    return is_for(there(run).started_by_id, user, "headway.change_run")


def may_start(operation: type[Operation], user: Any) -> bool:
    """Whether `user` may start it from Headway's pages and HTTP API. True for code."""
    if user is not None and operation.permission is None:
        return is_staff(user)
    return is_permitted(operation, user)


def is_permitted(operation: type[Operation], user: Any) -> bool:
    """Whether `user` has the permission that it names, if it names one. True for code."""
    if user is None or operation.permission is None:
        return True
    if operation.permission == SIGNED_IN:
        return bool(user.is_authenticated)
    return has_permission(user, operation.permission)


# A project's own kind of user needs neither of these: AbstractBaseUser has none.
def is_staff(user: Any) -> bool:
    """Whether it is one of the staff, who see errors as they were raised."""
    return bool(getattr(user, "is_staff", False))


def has_permission(user: Any, permission: str) -> bool:
    return bool(getattr(user, "has_perm", lambda _: False)(permission))


def check_start(operation: type[Operation], user: Any) -> None:
    """Raises StartForbidden where `user` may not start it from Headway's pages and HTTP API."""
    if not may_start(operation, user):
        raise StartForbidden(operation.name, operation.permission)


def steered(run: Run | UUID | str, user: Any) -> Run:
    """The run, if `user` may steer it. Raises RunNotFound, Forbidden."""
    found = get(run, user=user)
    if not may_steer(found, user):
        raise Forbidden(found.pk)
    return found
