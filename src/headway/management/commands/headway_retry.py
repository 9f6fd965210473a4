"""manage.py headway_retry ID: do what failed, and what wasn't reached, in a new run."""

from headway import runs
from headway.management.base import SteeringCommand
from headway.models import Run


class Command(SteeringCommand):
    help = "Starts a new run over the items of an ended run that failed, and over those that it did not reach."

    def ask(self, run: Run) -> str:
        started = runs.retry(run)
        watch = f"Watch it: manage.py headway_status {started.run.pk} --watch"
        return f"{started.disposition.capitalize()} run {started.run.pk}, which retries {run.pk}.\n{watch}"
