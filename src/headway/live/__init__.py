"""Live delivery: one hub in each web process tells every watcher of every change. It never writes."""

from .protocol import Application

__all__ = ["asgi"]


def asgi(application: Application, *, max_body_bytes: int | None = None) -> Application:
    """The application with live progress before it. Put it around the project's own in asgi.py.

    Bodies for Headway's addresses are judged before they are kept. `max_body_bytes` bounds those for all others.
    """
    # Here, since it needs Django's apps: asgi.py imports this before `get_asgi_application()` has loaded them.
    from .wrapper import asgi as wrapped

    return wrapped(application, max_body_bytes=max_body_bytes)
