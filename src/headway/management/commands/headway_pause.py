"""manage.py headway_pause ID: let a run come to rest."""

from headway import runs
from headway.management.base import SteeringCommand


class Command(SteeringCommand):
    help = "Pauses a run; it comes to rest within a second or one item, and keeps its place."
    steer = staticmethod(runs.pause)
