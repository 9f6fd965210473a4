"""The page that starts a run. POST leads to the run's page, however often it is sent."""

import secrets
from functools import partial
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from headway import errors, runs
from headway.conf import conf
from headway.http.callers import seconds_until_start
from headway.operations import form_making, registry
from headway.operations.base import Operation
from headway.runs import Disposition, Started
from headway.runs.access import check_start

from .pages import history_of
from .planned import planned
from .signed_in import SignedInView
from .steer import run_address

KEY_FIELD, DRY_RUN_FIELD = "headway_key", "headway_dry_run"  # beside the form's own
RECENT = 6


@method_decorator(never_cache, name="dispatch")  # a page of the browser's own store would send an old key again
class StartRunView(SignedInView):
    """`StartRunView.as_view(operation=…)`: the operation's form, and what comes of it.

    A subclass may show another form (`form_class`, with more fields than the operation knows), another template, and
    lead elsewhere (`get_success_url`).
    """

    operation: type[Operation] | str | None = None
    """Which; without it, the URL's `name` says so."""
    form_class: type[forms.BaseForm] | None = None
    """What the page shows; the operation's own form, unless given."""
    template_name = "headway/start.html"
    """The page's template; its context has `form`, `operation` and what else headway/start.html shows."""
    takes_uploads = True

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Raises Http404 where no operation has this name."""
        super().setup(request, *args, **kwargs)
        wanted = self.operation if self.operation is not None else kwargs["name"]
        try:
            self.declared = registry.get(wanted) if isinstance(wanted, str) else wanted
        except errors.UnknownOperation as error:
            raise Http404(str(error)) from error

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """403 for a user who may not start it, and the page says why."""
        if request.user.is_authenticated:
            check_start(self.declared, request.user)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The form; after an upload that the server didn't take, with the reason."""
        too_large = request.GET.get("refused") == "too-large"  # live.bodies asks so
        return self.page(self.get_form(), too_large=too_large, status=413 if too_large else 200)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Start it, or find the run that is there already; what is wrong is told at its field."""
        if seconds := seconds_until_start(request):
            answer = self.page(self.get_form(request.POST), too_often=True, status=429)
            answer["Retry-After"] = str(seconds)
            return answer
        form = self.get_form(request.POST, request.FILES)
        if not form.is_valid():
            return self.page(form, status=422)
        try:
            started = self.start(form)
        except errors.InvalidParams as error:
            tell(form, error)
            return self.page(form, status=422)
        except errors.UploadNotStored as error:
            form.add_error(None, str(error))
            return self.page(form, status=503)
        except errors.RunConflict as error:
            return self.page(form, conflict=error, status=409)
        except errors.QuotaExceeded as error:
            return self.page(form, quota=error, status=429)
        except errors.RunNotFound as error:
            raise Http404(str(error)) from error
        return HttpResponseRedirect(self.get_success_url(started), status=303)

    def get_form(self, *bound: Any) -> Any:
        """The page's form, with what was sent."""
        return form_making.make(self.form_class or self.declared.form or forms.Form, self.request.user, *bound)

    def get_success_url(self, started: Started) -> str:
        """Where the browser goes then: the run's page."""
        new = started.disposition in (Disposition.CREATED, Disposition.QUEUED)
        return run_address(started.run, "" if new else str(started.disposition))

    def start(self, form: Any) -> Started:
        """With the operation's own parameters among those of the page's form. Raises what `runs.start` does."""
        key = self.request.POST.get(KEY_FIELD) or new_key()
        begin = partial(runs.start, self.declared, form=form, user=self.request.user, dry_run=self.is_dry_run)
        try:
            return begin(idempotency_key=key)
        except (errors.IdempotencyKeyReused, errors.IdempotencyKeyInvalid):
            # The same page, sent once more with something else in it: that is another run.
            return begin(idempotency_key=new_key())

    @property
    def is_dry_run(self) -> bool:
        """Whether the page's checkbox was ticked."""
        return DRY_RUN_FIELD in self.request.POST

    def page(self, form: Any, *, status: int = 200, **notices: Any) -> HttpResponse:
        """The form's page, with these notices on top."""
        context = {
            "operation": self.declared,
            "planned": planned([self.declared], self.request.user)[0][1],
            "form": form,
            "key_field": KEY_FIELD,
            "key": new_key(),
            "dry_run_field": DRY_RUN_FIELD,
            "is_dry_run": self.is_dry_run,
            "history": history_of(self.request.user, limit=RECENT),
            "largest": conf().max_upload_bytes,
            **notices,
        }
        return render(self.request, self.template_name, context, status=status)


def new_key() -> str:
    """An idempotency key: the page's own, so that sending it twice starts once."""
    return secrets.token_urlsafe(16)


def tell(form: Any, error: errors.InvalidParams) -> None:
    """Each reason at its field; those of no field on top."""
    for wrong in error.errors:
        name = wrong.pointer.split("/")[1].replace("~1", "/").replace("~0", "~") if wrong.pointer else None
        form.add_error(name if name in form.fields else None, wrong.detail)
