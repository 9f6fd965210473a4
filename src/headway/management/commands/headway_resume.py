"""manage.py headway_resume ID: let a paused run go on."""

from headway import runs
from headway.management.steering import SteeringCommand
from headway.models import Run


class Command(SteeringCommand):
    """See its help."""

    help = "Lets a paused run go on at the item where it stopped."

    def ask(self, run: Run) -> str:
        return f"Run {run.pk} is {runs.resume(run).state}."
