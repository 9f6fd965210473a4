"""Sending without a task: the hub takes the first step of a server's `send()` itself.

On most servers `send()` ends at that step, since the bytes go into the transport's buffer; so a message to a thousand
watchers needs no task and no event. Where it has to wait, a task awaits the rest.
"""

from collections.abc import Coroutine, Generator
from typing import Any

__all__ = ["NeedsTask", "Rest", "step"]


class NeedsTask(Exception):
    """This server's `send()` can't be stepped through by hand."""


class Rest:
    """What is left of a coroutine after its first step; to be awaited in a task."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self.coroutine, self.waits_for = coroutine, waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self.waits_for
        try:
            while True:
                yield waits_for  # to the task, which comes back when that is done
                waits_for = self.coroutine.send(None)
        except StopIteration:
            return
        finally:
            self.coroutine.close()


def step(sending: Any) -> Rest | None:
    """Take the first step of a call of `send()`; None when that was all.

    Raises OSError when the watcher has gone (ASGI says so), NeedsTask when the server wants a task around it.
    """
    if not isinstance(sending, Coroutine):
        raise NeedsTask
    try:
        waits_for = sending.send(None)
    except StopIteration:
        return None
    except OSError:
        raise
    except Exception as error:  # (whatever a server raises that looks for its task)
        raise NeedsTask from error
    return Rest(sending, waits_for)
