"""Orders: what somebody wants from the stock."""

from uuid import uuid4

from django.db import models


class Order(models.Model):
    """Sent, once the stock has moved."""

    key = models.UUIDField(default=uuid4, unique=True, editable=False)
    """The same in each attempt, in each run: what the stock knows it by."""
    sku = models.CharField(max_length=50)
    quantity = models.PositiveIntegerField()
    sent_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku}, {'sent' if self.sent_at else 'not sent'}"
