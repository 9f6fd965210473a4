"""Rows to read: with an ordinary key, and with a random one."""

from uuid import uuid4

from django.db import models


class Thing(models.Model):
    """A row that can be read by its number or by its code."""

    name = models.CharField(max_length=100)
    code = models.SlugField(unique=True)

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """A row that its items change: how often, `balance` tells."""

    balance = models.IntegerField(default=0)
    note = models.CharField(max_length=100, default="")
    code = models.CharField(max_length=20, null=True, unique=True)  # noqa: DJ001  (NULL: none)

    def __str__(self) -> str:
        return f"account {self.pk}"


class Tagged(models.Model):
    """A row whose primary key has no natural order."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)


class LedgerEntry(models.Model):
    """An effect, written in the chunk's transaction; without any constraint, so that a double one would show."""

    run = models.UUIDField(db_index=True)
    item = models.CharField(max_length=255)
    held = models.CharField(max_length=10, default="", db_default="")
    fence = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.item} of {self.run}"


class Child(models.Model):
    """A row whose foreign key is only checked at COMMIT."""

    thing = models.ForeignKey(Thing, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return f"child of {self.thing_id}"
