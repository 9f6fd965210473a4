"""What is written down of single items: failed, skipped, to be tried again, or succeeded with a result to keep."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from headway.errors import NotKept
from headway.models import ItemState
from headway.operations.base import Operation
from headway.operations.outcomes import Gone, Reject, Skip, TryAgain, Unreadable
from headway.operations.sources import Entry
from headway.operations.sources.table import TableSource
from headway.store.parts.outcomes import Outcome, Result, has_failed_by

from .in_hand import Work, refuse_faults
from .preparing import Prepared
from .reading import attempts_before
from .tally import Ended, Left, Tally
from .telling import UNEXPECTED, describe, plain_sentence

MOST_KINDS = 20  # of errors that one slice logs: each may cost a look at all that has failed
log = logging.getLogger(__name__)


class Verdicts:
    """On the items of one part."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.part = work.part
        self.logged: set[str] = set()

    def outcomes_of(self, ended: Sequence[Ended]) -> list[Outcome]:
        """One for each."""
        labels = self.labels([each.entry for each in ended])
        outcomes = [self.outcome(each, label) for each, label in zip(ended, labels, strict=True)]
        return [
            replace(one, effects=each.effects) if each.effects else one
            for one, each in zip(outcomes, ended, strict=True)
        ]

    def results_of(self, tally: Tally) -> list[Result]:
        """One for each item whose result is kept."""
        kept = tally.of_succeeded(tally.values)
        if not kept:
            return []
        entries = [tally.seen[place - 1] for place, _ in kept]
        labels = self.labels(entries)
        return [Result(entry[1], label, value) for entry, label, (_, value) in zip(entries, labels, kept, strict=True)]

    def outcome(self, ended: Ended, label: str) -> Outcome:
        key, error = ended.entry[1], ended.error
        if isinstance(error, Skip):
            return Outcome(key, ItemState.SKIPPED, error.code, error.text, label)
        if isinstance(error, Reject | Left):
            detail = describe(error.__cause__) if isinstance(error, Left) and error.__cause__ else ""
            return Outcome(key, ItemState.FAILED, error.code, error.text, label, detail)
        operation, retry = self.work.operation, self.work.operation.retry
        code, text, detail = operation.code_for(error), sentence(error, operation), describe(error)
        attempts = 1 + attempts_before(self.part, ended.entry) if retry.covers(error) else 0
        if 0 < attempts < retry.attempts:
            seconds = retry.seconds_until(attempts, error)
            return Outcome(key, ItemState.RETRYING, code, text, label, detail, attempts, seconds)
        self.log(code, key, error)
        tried = f" It was tried {attempts} times." if attempts else ""
        return Outcome(key, ItemState.FAILED, code, text + tried, label, detail, attempts)

    def faults_in_a_row(self, tally: Tally) -> int:
        """How many items up to the last one ended as to be tried again, one behind the other."""
        count, last = self.part.faults_in_a_row, 0
        for each in tally.ended:
            follows = each.place == last + 1
            count = (count if follows else 0) + 1 if self.work.operation.retry.covers(each.error) else 0
            last = each.place
        return count if last == tally.done else 0

    def log(self, code: str, key: str, error: Exception) -> None:
        """The first unexpected error of each kind, with its traceback: once for the part, not for each item. An error
        for which the operation declares a code is expected."""
        kind = type(error).__name__
        if kind in self.logged or len(self.logged) >= MOST_KINDS or code in self.work.operation.error_codes.values():
            return
        self.logged.add(kind)
        if code in self.part.failures and has_failed_by(self.part, code, kind):  # in an earlier slice
            return
        log.error("part=%s run=%s item=%s event=item-failed code=%s", self.part.pk, self.part.run_id, key, code,
                  exc_info=error)  # fmt: skip

    def labels(self, entries: list[Entry[Any]]) -> list[str]:
        """What people call these items. A name may cost a query; if one fails, the chunk's transaction must not,
        and its key is told instead."""
        if not entries:
            return []
        try:
            with transaction.atomic():
                return [self.label(item) for item in self.items_of(entries)]
        except Exception as error:  # noqa: BLE001  (a name that can't be told must not hide what happened)
            refuse_faults(self.work, error)
            if len(entries) == 1:
                return [entries[0][1]]
            return [label for entry in entries for label in self.labels([entry])]

    def items_of(self, entries: list[Entry[Any]]) -> list[Any]:
        """The items themselves, where the entries have their keys alone."""
        source = self.work.source
        if not (isinstance(source, TableSource) and source.gives_keys):
            return [item for _, _, item in entries]
        rows = source.fetch_rows([key for _, key, _ in entries])
        return [rows.get(key, item) for _, key, item in entries]

    def label(self, item: Any) -> str:
        if isinstance(item, Prepared):
            item = item.item
        if isinstance(item, Unreadable | Gone):
            return item.label
        return str(self.work.operation.label(item) or self.work.source.label(item))


def sentence(error: Exception, operation: Operation) -> str:
    """What everybody may read of it. One for which the operation declares a code is nothing unexpected."""
    if isinstance(error, TryAgain | NotKept):
        return str(error)
    text = plain_sentence(error)
    expected = isinstance(error, tuple(operation.error_codes))
    return f"It failed as “{operation.code_for(error)}”." if expected and text == UNEXPECTED else text
