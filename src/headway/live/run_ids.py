"""A run's id in an address, in either case (RFC 9562, 4): the converter `headway_run`."""

from django.urls import register_converter
from django.urls.converters import UUIDConverter, get_converters

RUN_ID = "headway_run"


class RunId(UUIDConverter):
    """Like Django's own, which takes lower case alone."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


if RUN_ID not in get_converters():
    register_converter(RunId, RUN_ID)
