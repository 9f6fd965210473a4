"""What the orders service asks for, and what it tells."""

import json

from django.conf import settings
from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from example.services.callers import caller
from headway.idempotency import idempotent

from .models import Entry, Shelf, Told, admit
from .operations import WAREHOUSE


@csrf_exempt
@require_POST
@idempotent(scope=caller)
def move(request: HttpRequest) -> HttpResponse:
    """Move the stock of one order, once for each key."""
    fence, asked = int(request.headers["Fence"]), json.loads(request.body)
    admit(WAREHOUSE, fence)
    if not Shelf.objects.filter(sku=asked["sku"]).update(on_hand=F("on_hand") - asked["quantity"]):
        return HttpResponse("There is no such article.", status=404)
    Entry.objects.create(kind="moved", fence=fence, run=request.headers["Run"], **asked)
    return JsonResponse({"moved": asked["quantity"]}, status=201)


@csrf_exempt
@require_POST
@idempotent(scope=lambda request: "headway")  # the signature says who it is
def run_ended(request: HttpRequest) -> HttpResponse:
    """The orders service has ended a run. This comes at least once; what is done with it happens once."""
    try:
        event = Webhook(settings.WEBHOOK_SECRET).verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return HttpResponse(status=401)
    Told.objects.create(webhook_id=request.headers["webhook-id"], state=event["data"]["state"])
    return HttpResponse(status=204)
