"""manage.py headway_resume ID: let a paused run go on."""

from headway import runs
from headway.management.base import SteeringCommand


class Command(SteeringCommand):
    help = "Lets a paused run go on at the item where it stopped."
    steer = staticmethod(runs.resume)
