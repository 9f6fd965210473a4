"""The operation whose runs tell one address each of one run's end: so a delivery outlives whatever is killed.

It is started in the very transaction that ends the run, with what is told as it is there. A delivery is one signed
request: no redirect is followed, and what is answered isn't read.
"""

import hmac
import json
import time
from base64 import b64encode
from collections.abc import Iterable
from datetime import timedelta
from email.message import Message
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from headway import __version__, runs, tracing
from headway.conf import conf
from headway.errors import RunNotFound
from headway.models import Run
from headway.operations.again import Retry
from headway.operations.base import Operation
from headway.operations.outcomes import Reject, TryAgain
from headway.snapshots import snapshot

from . import endpoints

GONE = 410
LIMIT = 15.0  # s without a byte, as Standard Webhooks advises


def tell(run: Run, **kwargs: Any) -> None:
    """A run ends: start its deliveries, in this transaction. Those of deliveries and of dry runs don't exist."""
    if run.dry_run or run.operation == DeliverWebhook.name:
        return
    for name in endpoints.told_of(run.operation):
        runs.start(DeliverWebhook, {"webhook": name, "run": str(run.pk)})


class DeliveryForm(forms.Form):
    """Which address is told of which run. What it is told is added as the form is cleaned, and stays the same."""

    webhook = forms.ChoiceField(choices=lambda: [(name, name) for name in conf().webhooks])
    run = forms.UUIDField(label="Run", help_text="The id of one that has ended.")

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_run(self) -> UUID:
        try:
            run = runs.get(self.cleaned_data["run"], user=self.user)
        except RunNotFound as error:
            raise ValidationError("There is no such run.", code="no-such-run") from error
        if not run.is_done or run.operation == DeliverWebhook.name:
            raise ValidationError("It hasn't ended, or is a delivery itself.", code="not-ended")
        return run.pk

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            run = snapshot(self.cleaned_data["run"])
            told = {"type": "run.ended", "timestamp": run["finished_at"], "data": run}
            self.cleaned_data["event"] = json.dumps(told, separators=(",", ":"))  # in ASCII, whatever the texts are
        return self.cleaned_data


class DeliverWebhook(Operation):
    """Tells one address that a run has ended. It is started by the run's end; start it by hand to tell it again."""

    name = "headway.deliver_webhook"
    title = "Deliver a webhook"
    params: Any = DeliveryForm
    steps = {"deliver": "Delivery"}
    on_conflict = "allow"
    item_timeout = 60.0
    keep = timedelta(days=7)
    retry = Retry(attempts=20, backoff=5.0, longest=6 * 3600.0)  # two days

    def deliver(self) -> None:
        """One attempt: 2xx is a success, 410 ends it, anything else is tried again."""
        name = self.params["webhook"]
        endpoint = endpoints.endpoint(name)
        if endpoint is None:
            raise Reject("no-such-webhook", f'HEADWAY["WEBHOOKS"] has no {name!r} any more.')
        try:
            post(endpoint, f"run-ended-{self.params['run']}", self.params["event"])
        except HTTPError as error:
            error.close()
            if error.code == GONE:
                raise Reject("gone", f"{name} has answered 410: it doesn't want it.") from error
            raise self.later(f"{name} has answered {error.code}.", error) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise self.later(f"{name} could not be reached ({type(reason).__name__}).", error) from error

    def later(self, text: str, error: Exception) -> TryAgain:
        """After the back-off, or later where the answer has asked for that; but not for ever."""
        return TryAgain(text, after=min(self.retry.seconds_until(self.attempt, error), self.retry.longest))


class NoRedirects(HTTPRedirectHandler):
    """A redirect is an answer like any other that isn't 2xx: an HTTPError."""

    def redirect_request(
        self, request: Request, answer: IO[bytes], code: int, reason: str, headers: Message, url: str
    ) -> None:
        return None


opener = build_opener(NoRedirects)  # which heeds HTTPS_PROXY and NO_PROXY


def post(endpoint: endpoints.Endpoint, message: str, event: str) -> None:
    """Send the event. Raises HTTPError for any answer but 2xx, and OSError or HTTPException where none came."""
    body = event.encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"django-headway/{__version__}"}
    headers |= tracing.headers() | {"Idempotency-Key": message} | signed(message, body, endpoint.secrets)
    with opener.open(Request(endpoint.url, body, headers), timeout=LIMIT):  # noqa: S310  (http or https: judged)
        pass


def signed(message: str, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """What goes with the body as Standard Webhooks has it: the message's id, now, and a signature by each secret."""
    now = str(int(time.time()))  # the receiver compares it with a clock of its own
    content = f"{message}.{now}.".encode() + body
    signatures = [b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets]
    return {
        "webhook-id": message,
        "webhook-timestamp": now,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
