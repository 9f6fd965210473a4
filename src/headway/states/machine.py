"""The life of a run as one table, and what may be asked of it. Pure: no database, no clock, no settings."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a run is. Those below `CANCELLING` are terminal: never left."""

    WAITING = "waiting"  # behind another run of its concurrency key; clients see it as queued
    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({State.SUCCEEDED, State.PARTIAL, State.FAILED, State.CANCELLED})
LIVE = frozenset(State) - TERMINAL - {State.WAITING}  # these hold the concurrency key


class Want(StrEnum):
    """What is wanted of a run's parts. `CANCEL` is never overwritten."""

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"  # the operation itself ended the run
    CANCEL = "cancel"


class Event(StrEnum):
    """What may happen to a run."""

    PROMOTE = "promote"
    DROP = "drop"
    BEGIN = "begin"
    ASK_PAUSE = "ask-pause"
    YIELD_PAUSE = "yield-pause"
    BREAK = "break"
    RESUME = "resume"
    ASK_CANCEL = "ask-cancel"
    YIELD_CANCEL = "yield-cancel"
    YIELD_STOP = "yield-stop"
    FINISH_CLEAN = "finish-clean"
    FINISH_SOME_FAILED = "finish-some-failed"
    FINISH_ALL_FAILED = "finish-all-failed"


@dataclass(frozen=True)
class Move:
    """An arrow of the table, with the reason why it is there."""

    before: State
    event: Event
    after: State
    why: str


S, E = State, Event
MOVES = (
    Move(S.WAITING, E.PROMOTE, S.QUEUED, "the run before it has really ended, so the key is free"),
    Move(S.WAITING, E.DROP, S.CANCELLED, "it held nothing and no worker owns it, so it ends at once"),
    Move(S.QUEUED, E.BEGIN, S.RUNNING, "a worker has claimed its planning part"),
    Move(S.QUEUED, E.ASK_CANCEL, S.CANCELLING, "nothing was begun, so nothing has to be waited for"),
    Move(S.QUEUED, E.BREAK, S.PAUSING, "its worker failed before it could begin; a person must look"),
    Move(S.RUNNING, E.BREAK, S.PAUSING, "the operation's own code failed; a person must mend it"),
    Move(S.RUNNING, E.BEGIN, S.RUNNING, "its planning part was claimed again, after an interruption or a mended error"),
    Move(S.RUNNING, E.ASK_PAUSE, S.PAUSING, "its owned parts have yet to yield"),
    Move(S.RUNNING, E.ASK_CANCEL, S.CANCELLING, "its owned parts have yet to yield"),
    Move(S.RUNNING, E.YIELD_STOP, S.FAILED, "the operation ended it, and the last owned part has yielded"),
    Move(S.RUNNING, E.FINISH_CLEAN, S.SUCCEEDED, "no part is left, no item failed; an empty run too"),
    Move(S.RUNNING, E.FINISH_SOME_FAILED, S.PARTIAL, "no part is left, some items failed and some succeeded"),
    Move(S.RUNNING, E.FINISH_ALL_FAILED, S.FAILED, "no part is left, some items failed and none succeeded"),
    Move(S.PAUSING, E.YIELD_PAUSE, S.PAUSED, "the last owned part has yielded"),
    Move(S.PAUSING, E.YIELD_STOP, S.FAILED, "an item ended the run while it was coming to rest"),
    Move(S.PAUSING, E.RESUME, S.RUNNING, "the wish was taken back"),
    Move(S.PAUSING, E.ASK_CANCEL, S.CANCELLING, "cancel outranks pause"),
    Move(S.PAUSED, E.RESUME, S.RUNNING, "every part that isn't closed is due again"),
    Move(S.PAUSED, E.ASK_CANCEL, S.CANCELLING, "no worker owns a part, so it ends at once"),
    Move(S.CANCELLING, E.YIELD_CANCEL, S.CANCELLED, "the last owned part has yielded"),
)
TABLE = {(move.before, move.event): move.after for move in MOVES}


class InvalidMove(ValueError):
    """This event can't happen in this state."""


def after(state: State, event: Event) -> State:
    """The state that `event` leads to. Raises InvalidMove where the table has no arrow."""
    try:
        return TABLE[state, event]
    except KeyError:
        raise InvalidMove(f"A run that is {state} has no move for {event}.") from None


class Action(StrEnum):
    """What people may ask for."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"


ASKS = {Action.PAUSE: E.ASK_PAUSE, Action.RESUME: E.RESUME, Action.CANCEL: E.ASK_CANCEL}
ACTIONS: dict[State, tuple[Action, ...]] = {
    state: tuple(action for action, event in ASKS.items() if (state, event) in TABLE) for state in State
}
ACTIONS[S.WAITING] = (Action.CANCEL,)
ACTIONS |= dict.fromkeys((S.PARTIAL, S.FAILED, S.CANCELLED), (Action.RETRY,))


def shown(state: State) -> State:
    """The state as clients see it: whether a run waits for a worker or for another run is told by its reason."""
    return S.QUEUED if state == S.WAITING else state


def stored_as(state: State) -> tuple[State, ...]:
    """The stored states that clients see as this one."""
    return tuple(stored for stored in State if shown(stored) == state)
