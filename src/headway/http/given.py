"""The parameters of a start, as they were sent: JSON, or a form with files."""

from typing import Any

from rest_framework.request import Request

from headway.errors import InvalidParams, ParamError


def given_to(request: Request) -> dict[str, Any]:
    """What `runs.start` is to be given; an empty body is `{}`. Raises InvalidParams for JSON that is no object."""
    sent: Any = request.data
    if not isinstance(sent, dict):
        raise InvalidParams([ParamError("", "type", "The parameters must be a JSON object.")])
    return sent
