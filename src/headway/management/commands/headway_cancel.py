"""manage.py headway_cancel ID: end a run."""

from headway import runs
from headway.management.base import SteeringCommand


class Command(SteeringCommand):
    help = "Cancels a run. What it has done stays done; what it has not reached can be retried."
    steer = staticmethod(runs.cancel)
