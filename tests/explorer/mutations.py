"""One rule taken away or done wrongly, each in a class of its own: a promise must notice."""

from dataclasses import dataclass
from typing import Any

from headway.states import TERMINAL, State, Want

from .mishaps import Nature
from .scenes import SCENES
from .search import Found
from .state import FOUND, LEASED, NOW, Data, Part, Run, Worker
from .store import ENDS, FENCED, Done, Store, change, first_of, parts_of, put, put_run
from .worker import Runner, Step

__all__ = ["MUTATIONS", "Mutation"]


@dataclass(frozen=True)
class Mutation:
    """What is wrong, the scene that shows it, and by whom it is done."""

    name: str
    scene: str
    store: type[Store] = Store
    runner: type[Runner] = Runner
    nature: type[Nature] = Nature

    def explore(self) -> Found:
        scene = next(each for each in SCENES if each.name == self.scene)
        return scene.explore(self.store, self.runner, self.nature)


class NoFence(Store):
    def is_as_left(self, row: Part, mine: Part) -> bool:
        return True


class NoToken(Store):
    def is_as_left(self, row: Part, mine: Part) -> bool:
        return row.seq == mine.seq


class NoSeq(Store):
    def is_as_left(self, row: Part, mine: Part) -> bool:
        return row.token == mine.token


class EffectsApart(Store):
    """The effects are committed before the checkpoint is."""

    def chunk(self, data: Data, mine: Part, entries: list[tuple[int, int, int]], left_out: bool = False) -> Done:
        data = self.effects(data, mine, entries, left_out)
        if not self.is_as_left(data.parts[mine.id], mine):
            return Done(data, answer=FENCED)
        return self.checkpoint(data, mine, entries, left_out)


class TwoTransactions(Runner):
    """The effects in one transaction, the checkpoint in the next."""

    def chunk(self, data: Data, me: Worker, entries: list[tuple[int, int, int]]) -> Any:
        if me.lease_runs and me.next == "items":
            data = self.store.effects(data, me.part, entries, False)
            yield Step(f"effects of {[item for _, item, _ in entries]}", data, me._replace(next="begun"), writes=True)
            return
        if not self.store.is_as_left(data.parts[me.part.id], me.part):
            yield Step("checkpoint: fenced", data, Worker())
            return
        done = self.store.checkpoint(data, me.part, entries, False)
        yield Step("checkpoint", done.data, Worker("items", done.part), writes=True)


class OutcomesApart(Store):
    """The checkpoint says nothing of what is to be tried again."""

    def is_left(self, data: Data, mine: Part) -> bool:
        return False


class CheckpointForgetsRow(Store):
    """What a later pass has done keeps its row."""

    def checkpoint(self, data: Data, mine: Part, entries: list[tuple[int, int, int]], left_out: bool) -> Done:
        done = super().checkpoint(data, mine, entries, left_out)
        gone = [each for each in data.outcomes if each not in done.data.outcomes]
        told = {each.item for each in done.data.outcomes}
        kept = [each for each in gone if each.item not in told]
        return done._replace(data=done.data._replace(outcomes=(*kept, *done.data.outcomes)))


class PassKeepsCursor(Store):
    def begin_pass(self, data: Data, mine: Part) -> Done:
        done = super().begin_pass(data, mine)
        cursor = mine.cursor if mine.phase else 99
        return done if done.answer else Done(put(done.data, done.data.parts[mine.id]._replace(cursor=cursor)))


class PassIsNeverDue(Store):
    def begin_pass(self, data: Data, mine: Part) -> Done:
        done = super().begin_pass(data, mine)
        return done if done.answer else Done(put(done.data, done.data.parts[mine.id]._replace(due=None)))


class PassIgnoresWish(Store):
    def begin_pass(self, data: Data, mine: Part) -> Done:
        row = data.parts[mine.id]
        return super().begin_pass(put(data, row._replace(want=Want.RUN)), mine)


class FinishIgnoresCancel(Store):
    def may_conclude(self, run: Run) -> bool:
        return run.want != Want.PAUSE


class CloseIgnoresPause(Store):
    def may_conclude(self, run: Run) -> bool:
        return run.want != Want.CANCEL


class CountsPartsWithoutLock(Runner):
    """How many parts are left is read before the run is locked."""

    def end_of_part(self, data: Data, me: Worker) -> Step:
        step = super().end_of_part(data, me)
        if step.then.next != "close":
            return step
        seen = data.runs[me.part.run].parts_left
        return step._replace(then=step.then._replace(calls=(str(seen),)))

    def close(self, data: Data, me: Worker) -> Step:
        seen = int(me.calls[0])
        run = data.runs[me.part.run]
        return super().close(put_run(data, me.part.run, run._replace(parts_left=seen)), me)


class ClaimIgnoresLease(Store):
    def may_be_claimed(self, row: Part) -> bool:
        return row.due in (NOW, LEASED)


class ClaimKeepsToken(NoSeq):
    """Who takes a part over goes on under the token that it finds."""

    def take(self, data: Data, part: int, token: int) -> Done:
        old = data.parts[part].token
        return super().take(data, part, token if old is None else old)


class ReleaseKeepsLease(Store):
    """A part that is given back is due never."""

    def release(self, data: Data, mine: Part) -> Done:
        done = super().release(data, mine)
        return done if done.answer else Done(put(done.data, done.data.parts[mine.id]._replace(due=None)))


class ReleaseWithoutToken(Store):
    """Whoever gives a part back asks for no token."""

    def is_ours(self, row: Part, mine: Part) -> bool:
        return True


class ReleaseIgnoresWish(Store):
    def release(self, data: Data, mine: Part) -> Done:
        row = data.parts[mine.id]
        if not self.is_ours(row, mine):
            return Done(data, answer="unwanted")
        return Done(put(data, row._replace(token=None, due=NOW)))


class BlindRetry(Store):
    """After a lost answer the fence is read again, and the cursor in memory is kept."""

    def reclaim(self, data: Data, mine: Part) -> Done:
        done = super().reclaim(data, mine)
        return done if done.answer else Done(done.data, mine._replace(seq=done.part.seq))


class RetriesFromMemory(Runner):
    """After a lost answer the worker goes on as if nothing had been committed."""

    def recover(self, data: Data, me: Worker) -> Step:
        return Step("goes on from memory", data, self.owner(me.part))


class CancelFreesKey(Store):
    """The key is free as soon as the cancel is asked for."""

    def ask_cancel(self, data: Data, run: int) -> Data | None:
        asked = super().ask_cancel(data, run)
        if asked is None or not asked.runs[run].holds_key:
            return asked
        return self.promote_next(put_run(asked, run, asked.runs[run]._replace(holds_key=False)))


class CancelEndsOwned(Store):
    """A cancel ends the run at once, although somebody owns a part."""

    def is_owned(self, data: Data, run: int) -> bool:
        return data.runs[run].want != Want.CANCEL and super().is_owned(data, run)


class PauseRestsOwned(Store):
    def is_owned(self, data: Data, run: int) -> bool:
        return data.runs[run].want != Want.PAUSE and super().is_owned(data, run)


class PauseOverwritesCancel(Store):
    """A pause asked by the owner (a halt) takes the place of a cancel."""

    def halt(self, data: Data, mine: Part, wanted: Want, over_limit: bool = False) -> Done:
        handed = self.hand_back(self.want(data, mine.run, wanted, over_limit), mine)
        return Done(self.rest(handed, mine.run)) if handed else Done(data, answer=FENCED)


class ResumeForgetsParts(Store):
    """A resume makes nothing due."""

    def want(self, data: Data, run: int, wanted: Want, over_limit: bool = False) -> Data:
        asked = super().want(data, run, wanted, over_limit)
        if wanted != Want.RUN:
            return asked
        return change(asked, [row for row in parts_of(asked, run) if row.token is None], due=None)


class ResumeArmsClosed(Store):
    """A resume re-arms every part, a closed one too."""

    def open_parts(self, data: Data, run: int) -> list[Part]:
        return parts_of(data, run)


class ResumeForgetsFailed(Store):
    """After too many failures what failed is not tried again, though its part's counts are."""

    def try_failed_again(self, data: Data, run: int) -> Data:
        again = super().try_failed_again(data, run)
        return again._replace(outcomes=data.outcomes)


class ResumeForgetsPartsLeft(Store):
    """A part that is opened again isn't counted as left."""

    def try_failed_again(self, data: Data, run: int) -> Data:
        left = data.runs[run].parts_left
        again = super().try_failed_again(data, run)
        return put_run(again, run, again.runs[run]._replace(parts_left=left))


class EndForgetsRetrying(Store):
    """The run ends, and what was to be tried again stays so."""

    def give_up_retrying(self, data: Data, run: int) -> Data:
        return data


class NobodyIsPromoted(Store):
    def promote_next(self, data: Data) -> Data:
        return data


class PromotedIsNotDue(Store):
    def promote_next(self, data: Data) -> Data:
        waiting = [number for number, run in enumerate(data.runs) if run.state == State.WAITING]
        promoted = super().promote_next(data)
        return change(promoted, parts_of(promoted, waiting[0]), due=None) if waiting else promoted


class SubmitIgnoresTheLive(Store):
    """Whether a run is live was looked up before: two looked at once."""

    def submit(self, data: Data) -> Data:
        free = data._replace(runs=tuple(run._replace(holds_key=False) for run in data.runs))
        asked = super().submit(free)
        return asked._replace(runs=(*data.runs, asked.runs[-1]))


class NobodyBuriesTheDead(Store):
    """A run that is to end waits for owners who are gone, and no worker may come."""

    def disown_the_dead(self, data: Data, run: int) -> Data:
        return data

    def may_be_claimed(self, row: Part) -> bool:
        return row.due == NOW and row.want not in ENDS


class DisownsTheLiving(Store):
    """At the end the parts are taken from all owners, whose leases run."""

    def disown_the_dead(self, data: Data, run: int) -> Data:
        return change(data, [row for row in parts_of(data, run) if row.token is not None], due=None, token=None)

    def is_as_left(self, row: Part, mine: Part) -> bool:
        return row.seq == mine.seq


class DeathsAreNotCounted(Store):
    def begin_item(self, data: Data, mine: Part) -> Done:
        return super().begin_item(data, mine._replace(deaths=-1))


class NobodyIsCareful(Store):
    def take(self, data: Data, part: int, token: int) -> Done:
        done = super().take(data, part, token)
        if done.part is None:
            return done
        row = done.part._replace(careful=False)
        return Done(put(done.data, row), row)


class NobodyPolls(Nature):
    """Parts are claimed on a doorbell alone."""

    polls = False


class CallsBeforeCommit(Runner):
    """The call goes out, and only then the flight is written."""

    def outside(self, data: Data, me: Worker, landed: tuple[int, ...], wire: tuple[int, ...]) -> Any:
        part, items = me.part, self.store.ranges[me.part.range]
        following = part.cursor + len(part.flight)
        if me.next == "calls" and not part.flight and following < len(items) and not me.calls and self.may_call(me):
            item = items[following]
            yield Step(f"call for item {item}", data, me._replace(calls=("early",)), calls=item)
        if me.calls == ("early",):
            done = self.store.settle(data, part, [], 1)
            then = Worker() if done.answer else me._replace(part=done.part, calls=("calling",), lease_runs=True)
            yield Step("write the flight", done.data, then, writes=True)
            return
        for step in super().outside(data, me, landed, wire):
            if not (step.name.startswith("settle 0")):
                yield step

    def settle(self, data: Data, me: Worker, answered: list[int], room: int) -> Step:
        return super().settle(data, me, answered, 0)


class TakeOverForgetsFlight(Store):
    """Who takes over begins at the cursor."""

    def take(self, data: Data, part: int, token: int) -> Done:
        done = super().take(data, part, token)
        if done.part is None:
            return done
        row = done.part._replace(flight=())
        return Done(put(done.data, row), row)


class DoubtIsSentAgain(Store):
    """What was under way is not listed, but left for the new owner to do."""

    def list_in_doubt(self, data: Data, mine: Part) -> Done:
        if not self.is_as_left(data.parts[mine.id], mine):
            return Done(data, answer=FENCED)
        return Done(
            put(data, data.parts[mine.id]._replace(flight=(), seq=mine.seq + 1)),
            mine._replace(flight=(), seq=mine.seq + 1),
        )


class DoubtIsTakenForSuccess(Store):
    """What was under way counts as sent."""

    def list_in_doubt(self, data: Data, mine: Part) -> Done:
        return self.settle(data, mine, [at for at, each in enumerate(mine.flight) if each == "out"], 0)


class CursorSkipsTheUnsettled(Store):
    """The cursor moves over all that was started."""

    def checkpoint_flight(self, data: Data, mine: Part, flight: list[str]) -> Done:
        return super().checkpoint_flight(data, mine, ["settled"] * len(flight))


class CallsPastTheLease(Runner):
    """No thread looks at the clock before it calls."""

    def may_call(self, me: Worker) -> bool:
        return True


class EndForgetsFlight(Store):
    """A run that ends without its owner lists nothing."""

    def list_flights(self, data: Data, run: int) -> Data:
        return data


class HoldsAreTakenWhoeverHasThem(Store):
    def is_behind(self, data: Data, run: int) -> bool:
        return False


class HoldsAreTakenOneByOne(Store):
    """What is free is taken, although the rest isn't."""

    def take_holds(self, data: Data, run: int) -> tuple[Data, bool]:
        data, has_all = super().take_holds(data, run)
        held = tuple(
            place._replace(held=place.held or (place.run == run and first_of(data, place.name) == place))
            for place in data.places
        )
        return change(data._replace(places=held), parts_of(data, run), lacks_holds=False), has_all or any(
            place.run == run and place.held for place in held
        )


class EndKeepsHolds(Store):
    """They are freed in a transaction of its own, before which the worker may die."""

    def free(self, data: Data, run: int) -> Data:
        return data


class CancelFreesHolds(Store):
    """As soon as it is asked for."""

    def ask_cancel(self, data: Data, run: int) -> Data | None:
        after = super().ask_cancel(data, run)
        return after and self.free(after, run)


class FreedNamesPromoteNobody(Store):
    def promote(self, data: Data, freed_by: int) -> Data:
        return data


class ResumeGoesOnWithoutHolds(Store):
    """A pause frees, and the resume takes nothing."""

    def free(self, data: Data, run: int) -> Data:
        freed = super().free(data, run)
        return change(freed, parts_of(freed, run), lacks_holds=False)


class TakesForTheEnded(Store):
    """A claim that comes late takes for a run that has ended meanwhile."""

    def may_be_claimed(self, row: Part) -> bool:
        return super().may_be_claimed(row) or (row.closed and row.lacks_holds)

    def take_holds(self, data: Data, run: int) -> tuple[Data, bool]:
        state = data.runs[run].state
        live = put_run(data, run, data.runs[run]._replace(state=State.RUNNING))
        taken, has_all = super().take_holds(live, run)
        return put_run(taken, run, taken.runs[run]._replace(state=state)), has_all and state not in TERMINAL


class ClaimsWhatItSaw(Store):
    """A claim goes by what the part was when its worker saw it."""

    def take_late(self, data: Data, part: int, token: int) -> Done:
        return self.take(put(data, data.parts[part]._replace(lacks_holds=False)), part, token)


class AddsOutsideTheChunk(Store):
    """What items add is written in a transaction of its own, whatever becomes of theirs."""

    def chunk(self, data: Data, mine: Part, entries: list[tuple[int, int, int]], left_out: bool = False) -> Done:
        done = super().chunk(data, mine, entries, left_out)
        if done.answer != FENCED or left_out:
            return done
        return self.add_found(Done(data, mine), self.found_by(mine, entries))._replace(part=None, answer=FENCED)


class AddsWhatIsThere(Store):
    """No unique key: what another has added is added again."""

    def is_new(self, data: Data, item: int) -> bool:
        return self.items[item].part == FOUND


class AddsWhatTheRangeHas(Store):
    """The keys of the range aren't known."""

    def is_new(self, data: Data, item: int) -> bool:
        return item not in {each.item for each in data.added}


class ClosedWithAddedLeft(Store):
    def is_left(self, data: Data, mine: Part) -> bool:
        return mine.retrying > 0 and super().is_left(data, mine._replace(behind=len(data.added)))


class PassForgetsWhatIsDone(Store):
    """A later pass begins at the first that was added, although that is done."""

    def begin_pass(self, data: Data, mine: Part) -> Done:
        done = super().begin_pass(data, mine)
        return done if done.answer else done._replace(data=put(done.data, done.data.parts[mine.id]._replace(behind=0)))


MUTATIONS = [
    Mutation("no fence at the checkpoint", "chunks", NoFence),
    Mutation("no token in the fence", "wishes", NoToken),
    Mutation("no seq in the fence", "failover", NoSeq),
    Mutation("effects are committed whether or not the fence holds", "chunks", EffectsApart),
    Mutation("effects and checkpoint in two transactions", "chunks", runner=TwoTransactions),
    Mutation("a lease is not looked at by a claim", "wishes", ClaimIgnoresLease),
    Mutation("a take-over keeps the token, no seq in the fence", "chunks", ClaimKeepsToken),
    Mutation("blind retry after a lost COMMIT answer, under the fence read again", "chunks", BlindRetry),
    Mutation("blind retry after a lost COMMIT answer, no seq in the fence", "chunks", NoSeq, RetriesFromMemory),
    Mutation("a release asks for no token", "chunks", ReleaseWithoutToken),
    Mutation("a release makes nothing due", "chunks", ReleaseKeepsLease),
    Mutation("a release ignores what is wanted", "wishes", ReleaseIgnoresWish),
    Mutation("the finish ignores a cancel", "wishes", FinishIgnoresCancel),
    Mutation("the finish ignores a pause", "wishes", CloseIgnoresPause),
    Mutation("the cancel frees the key while an owner works", "in line", CancelFreesKey),
    Mutation("the cancel ends the run while an owner works", "wishes", CancelEndsOwned),
    Mutation("a pause rests while an owner works", "wishes", PauseRestsOwned),
    Mutation("a halt overwrites a cancel", "stops", PauseOverwritesCancel),
    Mutation("a resume makes nothing due", "wishes", ResumeForgetsParts),
    Mutation("a resume re-arms a closed part", "two parts", ResumeArmsClosed),
    Mutation("the parts that are left are counted without the lock", "two parts", runner=CountsPartsWithoutLock),
    Mutation("leases of living owners are taken at the end, by seq alone", "stops", DisownsTheLiving),
    Mutation("nobody buries a cancelled run's dead owner", "a killing item", NobodyBuriesTheDead),
    Mutation("a pass is closed with something pending", "later passes and wishes", OutcomesApart),
    Mutation("a later pass keeps the row of what it has done", "later passes and wishes", CheckpointForgetsRow),
    Mutation("a later pass begins behind its rows", "later passes and wishes", PassKeepsCursor),
    Mutation("a later pass is never due", "later passes and wishes", PassIsNeverDue),
    Mutation("a later pass begins whatever is wanted", "later passes and wishes", PassIgnoresWish),
    Mutation("an end leaves something pending", "later passes and wishes", EndForgetsRetrying),
    Mutation("a resume after too many failures forgets what failed", "too many failed", ResumeForgetsFailed),
    Mutation("a part that is opened again is not counted as left", "too many failed", ResumeForgetsPartsLeft),
    Mutation("nobody is careful after deaths", "a killing item", NobodyIsCareful),
    Mutation("deaths over an item are not counted", "a killing item", DeathsAreNotCounted),
    Mutation("an end promotes nobody", "in line", NobodyIsPromoted),
    Mutation("a promoted run is not due", "in line", PromotedIsNotDue),
    Mutation("a submit looks first and inserts then", "in line", SubmitIgnoresTheLive),
    Mutation("a name is taken whoever holds it", "holds", HoldsAreTakenWhoeverHasThem),
    Mutation("names are taken one by one", "three lines", HoldsAreTakenOneByOne),
    Mutation("an end keeps its holds", "holds", EndKeepsHolds),
    Mutation("a cancel frees the holds while an owner works", "holds", CancelFreesHolds),
    Mutation("freed names promote nobody", "holds", FreedNamesPromoteNobody),
    Mutation("a resume goes on without its holds", "holds and pauses", ResumeGoesOnWithoutHolds),
    Mutation("a late claim takes for a run that has ended", "holds", TakesForTheEnded),
    Mutation("a claim goes by what its worker saw before the run's pause", "holds and pauses", ClaimsWhatItSaw),
    Mutation("nobody polls: a doorbell is lost", "doorbells", nature=NobodyPolls),
    Mutation("the flight is written after the call", "calls", runner=CallsBeforeCommit),
    Mutation("the take-over forgets the flight", "calls", TakeOverForgetsFlight),
    Mutation("what is in doubt is sent again", "calls", DoubtIsSentAgain),
    Mutation("what is in doubt counts as sent", "calls", DoubtIsTakenForSuccess),
    Mutation("the cursor moves over what isn't settled", "calls", CursorSkipsTheUnsettled),
    Mutation("a call goes out after the lease's end", "calls", runner=CallsPastTheLease),
    Mutation("an end forgets what is in flight", "calls and wishes", EndForgetsFlight),
    Mutation("what is added is written outside the chunk's transaction", "found by two", AddsOutsideTheChunk),
    Mutation("what another has added is added again", "found by two", AddsWhatIsThere),
    Mutation("what the range has is added", "found on the way", AddsWhatTheRangeHas),
    Mutation("a pass is closed with something added", "found on the way", ClosedWithAddedLeft),
    Mutation("a later pass begins at what was added and is done", "found on the way", PassForgetsWhatIsDone),
]
