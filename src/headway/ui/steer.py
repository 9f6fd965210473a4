"""Pause, resume, cancel, retry and settle by a plain form, for browsers without script."""

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from headway import runs
from headway.errors import AlreadyRetried, InvalidState, NothingToRetry, QuotaExceeded, RunConflict
from headway.http.callers import seconds_until_start
from headway.models import Run
from headway.store.parts.flights import IN_DOUBT

from .pages import as_number, run_or_404
from .signed_in import SignedInView

STEERING: list[Callable[..., Run | runs.Started]] = [runs.pause, runs.resume, runs.cancel, runs.retry]
ACTIONS = {each.__name__: each for each in STEERING}


class SteerView(SignedInView):
    """POST does it and leads to the run's page, which says how the run is now; a retry leads to the new run's."""

    http_method_names = ["get", "post"]
    action = ""

    def get(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Lead to the run's page, and do nothing: signing in comes back by the address of what was pressed before."""
        return see(run_or_404(run_id, request.user))

    def post(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """The address names the run, the URL pattern the action."""
        run = run_or_404(run_id, request.user)
        if self.action == "retry" and seconds_until_start(request):
            return see(run, "too-often")
        try:
            return self.ask(request, run)
        except (InvalidState, NothingToRetry):
            return see(run, "too-late")  # it moved on between the page and the press; the page shows where it is
        except QuotaExceeded:
            return see(run, "quota")
        except AlreadyRetried as error:
            return see(runs.get(error.newest), "retried")
        except RunConflict as error:
            return see(runs.get(error.existing) if error.existing else run, "conflict")

    def ask(self, request: HttpRequest, run: Run) -> HttpResponse:
        """Do it, and lead to the run to be seen then. Raises what `headway.runs` does."""
        steered = ACTIONS[self.action](run, user=request.user)
        return see(steered if isinstance(steered, Run) else steered.run)


class SettleView(SteerView):
    """POST says of the item in doubt with this `key`, or of all, whether they went out, and leads back to the run: from
    one item to the list that it stood in (`after`), as long as others are in doubt."""

    def ask(self, request: HttpRequest, run: Run) -> HttpResponse:
        said, key = request.POST.get("went_out"), request.POST.get("key")
        if said not in ("yes", "no"):
            return see(run)
        told = runs.settle(run, went_out=said == "yes", keys=None if key is None else [key], user=request.user)
        if told and key is not None and runs.outcomes(run, code=IN_DOUBT).exists():
            query = urlencode({"code": IN_DOUBT, "after": as_number(request.POST.get("after", ""))})
            return HttpResponseRedirect(f"{run_address(run)}?{query}#items", status=303)
        return see(run, "" if told else "settled")


def see(run: Run, found: str = "") -> HttpResponse:
    """Lead to the run's page (303, so that a reload asks for nothing again)."""
    return HttpResponseRedirect(run_address(run, found), status=303)


def run_address(run: Run, found: str = "") -> str:
    """The run's page; `found` is what it says on top."""
    page = reverse("headway_ui:run", args=[run.pk])
    return f"{page}?found={found}" if found else page
