"""Where orders come in."""

import json

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from example.services.callers import caller
from headway import runs
from headway.idempotency import idempotent

from .models import Order


@csrf_exempt
@require_POST
@idempotent(scope=caller)
def place_order(request: HttpRequest) -> JsonResponse:
    """The order and the run that sends it, in one transaction: neither is there without the other."""
    asked = json.loads(request.body)
    order = Order.objects.create(sku=asked["sku"], quantity=asked["quantity"])
    run = runs.start("orders.send_orders").run
    return JsonResponse({"order": str(order.key), "run": str(run.pk)}, status=201)
