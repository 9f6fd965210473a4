"""`@idempotent`: a view whose effects happen once, however often the same request is sent."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .attempt import Attempt
from .callers import Scope, check_scope

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
WHERE = (
    "It stands above @api_view; the view of a class is wrapped as idempotent(OrderView.as_view()), or by "
    'method_decorator(idempotent, name="dispatch").'
)
V = TypeVar("V", bound=Callable[..., Any])


@overload
def idempotent(view: V) -> V: ...
@overload
def idempotent(*, required: bool = True, scope: Scope | None = None) -> Callable[[V], V]: ...
def idempotent(view: Any = None, *, required: bool = True, scope: Scope | None = None) -> Any:
    """A view, plain or asynchronous, Django's or REST framework's, that heeds the header Idempotency-Key.

    A key's first request runs the view in a transaction that also keeps its answer; the same request sent again gets
    that answer, byte for byte, with `Idempotent-Replayed: true`, and the view doesn't run. Another request with the key
    is refused (422). One that comes while the first is at work waits for it, 10 s at most (then 409; on SQLite, where
    it waits for the one write lock, 503). What raises, answers with 5xx, or refuses to begin (401, 403, 408, 425, 429)
    leaves neither effects nor an answer. Kept for 24 h.

    `required`: without a key the answer is 400; False: such a request passes, as if there were no decorator. Keys
    belong to the signed-in user, or to what `scope(request)` says; a caller who is neither is refused (401). A class's
    view is wrapped as `idempotent(OrderView.as_view())`.
    """
    if not isinstance(required, bool):
        raise TypeError(f"@idempotent: required is {required!r}; it must be True or False.")
    if scope is not None:
        check_scope(scope, "@idempotent")

    def around(view: Any) -> Any:
        if isinstance(view, type):
            raise TypeError(f"@idempotent stands on {view.__name__}, a class. {WHERE}")
        once = wrap(view, view, required=required, scope=scope)
        once.headway_idempotent = True
        return once

    return around if view is None else around(view)


def wrap(run: Any, view: Any, *, required: bool, scope: Scope | None) -> Any:
    """`run`, which leads to this `view`, with a transaction and a key around it."""
    how: dict[str, Any] = {"required": required, "scope": scope}
    if iscoroutinefunction(run):
        return wrap_async(run, view, how)

    @wraps(run)
    def once(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if (attempt := attempt_of(request, view, how)) is None:
            return run(request, *args, **kwargs)  # type: ignore[no-any-return]
        if answer := attempt.begin():
            return answer
        try:
            response = run(request, *args, **kwargs)
        except BaseException as error:
            attempt.undo(error)
            raise
        return attempt.end(response)

    return once


def wrap_async(run: Any, view: Any, how: dict[str, Any]) -> Any:
    """The same for a coroutine: the transaction is that of the thread in which its queries run."""

    @wraps(run)
    async def once(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if (attempt := attempt_of(request, view, how)) is None:
            return await run(request, *args, **kwargs)  # type: ignore[no-any-return]
        try:
            # Here: where the client goes away meanwhile, the thread begins all the same, and `undo` comes behind it.
            if answer := await sync_to_async(attempt.begin)():
                return answer
            response = await run(request, *args, **kwargs)
        except BaseException as error:
            await sync_to_async(attempt.undo)(error)
            raise
        return await sync_to_async(attempt.end)(response)

    return once


def attempt_of(request: Any, view: Any, how: dict[str, Any]) -> Attempt | None:
    """None where a key means nothing, or an outer middleware has seen to it already.

    Raises TypeError for no request of Django's: that has the headers, and is what the transaction is for.
    """
    if not isinstance(request, HttpRequest):
        raise TypeError(f"@idempotent got a {type(request).__name__} where a view gets Django's request. {WHERE}")
    applies = request.method not in SAFE and not hasattr(request, "headway_attempt")
    return Attempt(request, view, **how) if applies else None
