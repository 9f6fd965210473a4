"""The orders service's run: tells the stock of each order."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.conf import settings
from django.utils import timezone

from headway import Operation, Reject, Retry, sources

from .models import Order

try:
    from opentelemetry.propagate import inject
except ImportError:

    def inject(headers):
        """There is no trace to send on."""


WAREHOUSE = "warehouse:1"


class SendOrders(Operation):
    """Take each order that isn't sent from the stock."""

    one_run_per = "operation"
    on_conflict = "queue"  # an order that comes while a run is at work is in the next
    holds = (WAREHOUSE,)
    effects = "outside"
    in_doubt = "again"  # right here, since the stock knows a key that it has had
    threads = 4
    retry = Retry(on=OSError, attempts=100, backoff=0.5, longest=5)  # the stock is down, or refuses an old number

    def items(self):
        return sources.selection(Order.objects.filter(sent_at=None))

    def process(self, order):
        with self.effect("move"):
            move(order, fence=self.fence(WAREHOUSE), run=self.run.id)
        Order.objects.filter(pk=order.pk).update(sent_at=timezone.now())


def move(order, fence, run):
    """Ask the stock. What differs from one attempt to the next is in headers: a key stands for one body."""
    headers = {
        "Authorization": f"Bearer {settings.TOKENS['stock']}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(order.key),
        "Fence": str(fence),
        "Run": str(run),
    }
    inject(headers)
    body = json.dumps({"order": str(order.key), "sku": order.sku, "quantity": order.quantity}).encode()
    try:
        urlopen(Request(f"{settings.STOCK_URL}/moves/", body, headers), timeout=5).close()  # noqa: S310  (our own address)
    except HTTPError as error:
        if error.code == 404:
            raise Reject("unknown-article", "The stock has no such article.") from error
        raise
