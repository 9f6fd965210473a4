"""The life of a run: whatever happens to it, in whatever order, what is promised of its states holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.states import ACTIONS, LIVE, MOVES, TERMINAL, Action, Event, InvalidMove, State, after, shown, stored_as

EVENTS = st.lists(st.sampled_from(Event), max_size=30)
ASKED = {
    Action.PAUSE: {Event.ASK_PAUSE},
    Action.RESUME: {Event.RESUME},
    Action.CANCEL: {Event.ASK_CANCEL, Event.DROP},
}


def lived(events: list[Event]) -> list[State]:
    """The states of a run to which these events happen; what can't happen in a state doesn't."""
    states = [State.WAITING]
    for event in events:
        try:
            states.append(after(states[-1], event))
        except InvalidMove:
            continue
    return states


def reachable(state: State) -> set[State]:
    """Every state that can still come, this one included."""
    found, new = {state}, {state}
    while new:
        new = {move.after for move in MOVES if move.before in new} - found
        found |= new
    return found


@given(EVENTS)
def test_a_terminal_state_is_never_left(events: list[Event]) -> None:
    states = lived(events)
    ended = [state for state in states if state in TERMINAL]
    assert ended in ([], [states[-1]])


@given(EVENTS)
def test_a_cancel_once_asked_is_only_followed_by_cancelled(events: list[Event]) -> None:
    states = lived(events)
    if State.CANCELLING in states:
        asked = states.index(State.CANCELLING)
        assert states[asked + 1 :] in ([], [State.CANCELLED])


@given(EVENTS)
def test_a_run_has_begun_before_it_can_have_done_anything(events: list[Event]) -> None:
    states = lived(events)
    if {State.SUCCEEDED, State.PARTIAL} & set(states):
        assert State.RUNNING in states


@pytest.mark.parametrize("state", list(State))
def test_every_state_can_be_reached_and_leads_to_an_end(state: State) -> None:
    assert state in reachable(State.WAITING)
    assert reachable(state) & TERMINAL


@pytest.mark.parametrize("state", sorted(TERMINAL))
@pytest.mark.parametrize("event", list(Event))
def test_nothing_happens_to_a_run_that_has_ended(state: State, event: Event) -> None:
    with pytest.raises(InvalidMove, match=f"A run that is {state} has no move for {event}."):
        after(state, event)


def test_a_waiting_run_is_shown_as_queued_and_every_other_state_as_itself() -> None:
    assert [shown(state) for state in State] == [State.QUEUED, *[state for state in State if state != State.WAITING]]
    assert stored_as(State.QUEUED) == (State.WAITING, State.QUEUED)
    assert stored_as(State.RUNNING) == (State.RUNNING,)


@pytest.mark.parametrize("state", sorted(LIVE))
def test_a_live_run_can_be_cancelled_unless_it_is_being_cancelled(state: State) -> None:
    assert (Action.CANCEL in ACTIONS[state]) == (state != State.CANCELLING)


@pytest.mark.parametrize("state", list(State))
def test_what_may_be_asked_agrees_with_the_table(state: State) -> None:
    moves = {move.event for move in MOVES if move.before == state}
    possible = {action for action, events in ASKED.items() if events & moves}
    retry = {Action.RETRY} if state in TERMINAL - {State.SUCCEEDED} else set()
    assert set(ACTIONS[state]) == possible | retry


def test_what_may_be_asked_of_each_state() -> None:
    assert {str(state): [str(action) for action in actions] for state, actions in ACTIONS.items()} == {
        "waiting": ["cancel"],
        "queued": ["cancel"],
        "running": ["pause", "cancel"],
        "pausing": ["resume", "cancel"],
        "paused": ["resume", "cancel"],
        "cancelling": [],
        "succeeded": [],
        "partial": ["retry"],
        "failed": ["retry"],
        "cancelled": ["retry"],
    }


def test_every_move_has_its_reason_and_leads_to_one_place() -> None:
    assert all(len(move.why.split()) >= 3 for move in MOVES)
    assert len({(move.before, move.event) for move in MOVES}) == len(MOVES)


def test_a_state_waits_or_is_live_or_terminal_and_never_two_of_them() -> None:
    assert set(State) == {State.WAITING} | LIVE | TERMINAL
    assert not {State.WAITING} & LIVE
    assert not LIVE & TERMINAL
    assert {str(state) for state in TERMINAL} == {"succeeded", "partial", "failed", "cancelled"}
