"""What a run's operation has said."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from headway import runs
from headway.snapshots import moment

from .endpoint import Endpoint
from .openapi.document import Document, answer


class Log(Endpoint):
    """The last lines of a run's log, at most 200, the oldest first: what its operation has said, and when."""

    documents = {
        "get": Document(
            "read_log", "What a run's operation has said", answers={200: answer("Log")}, refusals=("not-found",)
        )
    }

    def get(self, request: Request, run_id: UUID) -> Response:
        run = runs.get(run_id, user=request.user)
        return Response({"results": [{"at": moment(line.at), "text": line.text} for line in runs.log(run.pk)]})
