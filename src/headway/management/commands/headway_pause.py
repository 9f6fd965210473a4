"""manage.py headway_pause ID: let a run come to rest."""

from headway import runs
from headway.management.steering import SteeringCommand
from headway.models import Run


class Command(SteeringCommand):
    """See its help."""

    help = "Pauses a run; it comes to rest within a second or one item, and keeps its place."

    def ask(self, run: Run) -> str:
        return f"Run {run.pk} is {runs.pause(run).state}."
