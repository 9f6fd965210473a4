"""What is on the shelves of a warehouse, and what has become of it."""

from django.core.exceptions import PermissionDenied
from django.db import models


class Warehouse(models.Model):
    """Changed by one run at a time, of whichever service: the one with the highest number."""

    name = models.CharField(max_length=50, unique=True)
    fence = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Shelf(models.Model):
    """How much there is of an article."""

    sku = models.CharField(max_length=50, unique=True)
    on_hand = models.IntegerField()

    def __str__(self) -> str:
        return self.sku


class Entry(models.Model):
    """A line of the stock's book, under the number of the run that wrote it."""

    kind = models.CharField(max_length=10)  # "moved" or "counted"
    sku = models.CharField(max_length=50)
    quantity = models.IntegerField()
    order = models.CharField(max_length=36, blank=True)
    fence = models.PositiveBigIntegerField()
    run = models.CharField(max_length=36)

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity} × {self.sku}"


class Told(models.Model):
    """A webhook that has come: the orders service has ended a run."""

    webhook_id = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.webhook_id


def admit(warehouse: str, fence: int) -> None:
    """In the transaction of what is then done. Raises PermissionDenied where a later holder has been here."""
    if not Warehouse.objects.filter(name=warehouse, fence__lte=fence).update(fence=fence):
        raise PermissionDenied(f"{warehouse} has had a later holder than {fence}.")
