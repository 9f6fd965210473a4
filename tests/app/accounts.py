"""Operations that add to accounts: what is done twice, or lost, shows in a sum."""

from typing import Any

from django.db.models import F, QuerySet

from headway import Operation, sources

from .models import Account
from .scripted import Scripted


class CreditInSets(Operation):
    """Changes all accounts of a chunk by one UPDATE."""

    permission = "signed-in"
    name = "tests.credit_in_sets"

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = Scripted.script.get("items", lambda: sources.queryset(Account.objects.all()))()
        return source

    def process_chunk(self, rows: QuerySet[Account]) -> Any:
        rows.update(balance=F("balance") + 1)
        return Scripted.script.get("chunk", lambda operation, rows: None)(self, rows)

    def label(self, account: Account) -> str:
        return f"account of {account.note}"


class CreditInSetsInParts(CreditInSets):
    """The same by four workers at once."""

    name = "tests.credit_in_sets_in_parts"
    parts = 4


class CreditLocked(Operation):
    """Adds to the balance that it has read, of rows that it has locked."""

    permission = "signed-in"
    name = "tests.credit_locked"
    lock_rows = True

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = Scripted.script.get("items", lambda: sources.queryset(Account.objects.all()))()
        return source

    def process(self, account: Account) -> None:
        Scripted.script.get("before", lambda operation, account: None)(self, account)
        Account.objects.filter(pk=account.pk).update(balance=account.balance + 1)


class CreditPreparedLocked(CreditLocked):
    """The same with rows that were prepared first."""

    name = "tests.credit_prepared_locked"

    def prepare(self, account: Account) -> int:
        return 1

    def process(self, account: Account, amount: int) -> None:
        super().process(account)


class CreditAccounts(Operation):
    """Changes the rows that it gets in memory, saves them, and remembers on itself what it has done."""

    permission = "signed-in"
    name = "tests.credit_accounts"

    def items(self) -> sources.Source[Any]:
        self.seen: list[int] = []
        source: sources.Source[Any] = Scripted.script.get("items", lambda: sources.queryset(Account.objects.all()))()
        return source

    def process(self, account: Account) -> None:
        Scripted.script.get("before", lambda operation, account: None)(self, account)
        account.balance += 1
        self.seen.append(account.pk)
        account.save()
        Scripted.script.get("after", lambda operation, account: None)(self, account)


class CreditSelected(CreditAccounts):
    """The same of a selection."""

    name = "tests.credit_selected"

    def items(self) -> sources.Source[Any]:
        super().items()
        return sources.selection(Account.objects.all())


class CreditPrepared(CreditAccounts):
    """The same; what it prepares, it takes apart."""

    name = "tests.credit_prepared"

    def prepare(self, account: Account) -> dict[str, int]:
        return {"amount": 1}

    def process(self, account: Account, prepared: dict[str, int]) -> None:
        account.balance += prepared.pop("amount") - 1
        super().process(account)


class CreditOnThreads(CreditPrepared):
    """The same on threads."""

    name = "tests.credit_on_threads"
    threads = 4
