"""The bodies of answers, in JSON Schema 2020-12."""

from typing import Any

from headway.states import Action, State, shown

Schema = dict[str, Any]


def a(kind: str, **more: Any) -> Schema:
    return {"type": kind, **more}


def maybe(kind: str, **more: Any) -> Schema:
    return {"type": [kind, "null"], **more}


def thing(properties: Schema, optional: Schema | None = None, *, kind: Any = "object", **more: Any) -> Schema:
    """An object that has all of these, and may have the optional ones."""
    return {"type": kind, "properties": properties | (optional or {}), "required": list(properties), **more}


def many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def paged(items: Schema) -> Schema:
    return thing({"next": maybe("string", description="The next page's address; null: this is the last."),
                  "results": many(items)})  # fmt: skip


COUNT = a("integer", minimum=0)
MOMENT = {"format": "date-time"}
STATES = ", ".join(dict.fromkeys(shown(state) for state in State))
LINK = a("string", format="uri-reference")

STEP = thing(kind=["object", "null"], description="Of an operation with steps, which are its items; null: it has "
             "none.", properties={
    "name": a("string"),
    "title": a("string"),
    "number": a("integer", minimum=1, description="Which it is; in the end, the last."),
    "of": a("integer", minimum=1),
    "under_way": a("boolean", description="A worker does it; else it comes next. One that died may have left it so: "
                                          "see `stalled`."),
    "done": maybe("number", minimum=0, description="As the step says. It begins anew where it was cut off."),
    "total": maybe("number", minimum=0),
    "percent": maybe("number", minimum=0, maximum=100, description="Of this step, rounded down."),
    "eta_seconds": maybe("integer", minimum=0, description="For this step; null until it means something."),
})  # fmt: skip

PROGRESS = thing({
    "total": maybe("integer", minimum=0, description="Null until it is known; may grow while items find others."),
    "total_exact": a("boolean", description="False: there may be more."),
    "processed": COUNT,
    "succeeded": COUNT,
    "failed": COUNT,
    "skipped": COUNT,
    "retrying": COUNT,
    "percent": maybe("number", minimum=0, maximum=100,
                     description="Rounded down; 100 only when done; null while items find others."),
    "rate": maybe("number", minimum=0, description="Items per second, of late."),
    "eta_seconds": maybe("integer", minimum=0, description="Null until it means something."),
    "finishing": a("boolean", description="All items have ended; the operation's on_finish has not."),
    "step": STEP,
})  # fmt: skip

RUN = thing({
    "id": a("string", format="uuid"),
    "operation": a("string"),
    "title": a("string"),
    "state": a("string", description=f"One of {STATES}. Tolerate others, and decide by `done`."),
    "done": a("boolean", description="Whether it has ended; then nothing of it changes any more."),
    "progress": ref("Progress"),
    "message": a("string"),
    "reason": thing({"code": a("string"), "text": a("string")}, kind=["object", "null"],
                    description="Why it paused, stopped or waits."),
    "stalled": a("boolean", description="Its worker has fallen silent; another takes it over."),
    "resumes": COUNT | {"description": "Times that a worker took over from one that was gone or silent."},
    "hooks_failed": COUNT | {"description": "`on_commit` hooks of its items that raised; the items stay succeeded."},
    "params": a("object"),
    "result": {},
    "failure_summary": many(ref("FailureCount")),
    "created_at": a("string", **MOMENT),
    "started_at": maybe("string", **MOMENT),
    "updated_at": a("string", **MOMENT),
    "finished_at": maybe("string", **MOMENT),
    "paused_seconds": a("number", minimum=0, description="In all pauses that are over."),
    "waiting_until": maybe("string", **MOMENT),
    "actions": many(a("string", description=f"Of {', '.join(Action)}.")),
    "dry_run": a("boolean", description="Whether it changes nothing: what it writes is rolled back."),
    "retry_of": maybe("string", format="uuid", description="The run that it retries."),
    "retried_by": maybe("string", format="uuid", description="The run that retries it; an ended one may still get it."),
    "revision": a("integer", minimum=0, description="Grows with every change, and never falls."),
    "links": ref("RunLinks"),
})  # fmt: skip

OPERATION = thing({
    "name": a("string"),
    "title": a("string"),
    "description": a("string"),
    "params": a("object", description="JSON Schema (2020-12) of the parameters."),
    "on_conflict": a("string", description="join, reject, queue, replace or allow."),
    "require_idempotency_key": a("boolean"),
    "has_dry_run": a("boolean", description="Whether it can be tried without changing anything."),
    "schedule": maybe("string", description="When it starts by itself, as cron has it; null: it doesn't."),
    "schedule_zone": maybe("string", description="The time zone of `schedule`."),
    "next_tick": maybe("string", **MOMENT, description="When it starts by itself next."),
    "links": ref("OperationLinks"),
})  # fmt: skip

ITEM = thing(dict.fromkeys(("key", "label", "state", "code", "text"), a("string")), {
    "detail": a("string", description="The error itself; for staff."),
    "value": {"description": "What `process` returned; of an item that succeeded."},
})  # fmt: skip

PROBLEM = thing(description="RFC 9457. Decide by `type`.", properties={
    "type": a("string", format="uri", description="Tolerate others than those that are listed.",
              examples=["urn:headway:problem:not-found"]),
    "title": a("string"),
    "status": a("integer"),
    "detail": a("string"),
}, optional={
    "errors": many(ref("ParamError")) | {"maxItems": 100},
    "existing": LINK | {"description": "The run that is in the way."},
    "newest": LINK | {"description": "The end of the chain of retries."},
    "state": a("string"),
    "actions": many(a("string")),
    "fallback": a("string"),
})  # fmt: skip

MESSAGE = thing(description="The same on every transport; all in it is absolute. `snapshot` and `end` have the whole "
                "run, `progress` what changes all the time; `rotate` says that the stream ends and when to come back.",
                properties={
    "type": a("string", description="snapshot, progress, end or rotate. Pass over others.", examples=["progress"]),
}, optional={
    "run": ref("Run"),
    "id": a("string", format="uuid", description="Of a progress message, as all that follows."),
    "revision": a("integer", minimum=0),
    "state": a("string"),
    "stalled": a("boolean"),
    "progress": ref("Progress"),
    "message": a("string"),
    "updated_at": a("string", **MOMENT),
    "reason": a("string", description="Of a rotate message: why to come back."),
    "retry_ms": a("integer", minimum=0, description="Of a rotate message: after how long."),
})  # fmt: skip

SCHEMAS: dict[str, Schema] = {
    "FailureCount": thing({"code": a("string"), "count": COUNT}),
    "Message": MESSAGE,
    "OperationLinks": thing({"start": LINK}),
    "ParamError": thing({"pointer": a("string"), "code": a("string"), "detail": a("string")}),
    "RunLinks": thing(
        dict.fromkeys(("self", "events", "wait", "socket", "items", "failures"), LINK),
        {
            "results": LINK | {"description": "Where the operation keeps results."},
            "file": LINK | {"description": "Where the items have written a file, once the run has ended."},
        },
    ),
    "ServerSentEvent": thing(
        {"data": a("string", description="A Message, as JSON.")},
        {
            "id": a("string", description="The revision, where one run is followed."),
            "event": a("string"),
            "retry": a("integer", minimum=0, description="Milliseconds after which to come back."),
        },
    ),
    "File": a("string"),
    "Index": thing({"links": ref("IndexLinks")}),
    "IndexLinks": thing(
        dict.fromkeys(("operations", "runs", "events"), LINK),
        {"schema": LINK | {"description": "This schema, where the project has a URL that is named so."}},
    ),
    "Item": ITEM,
    "Items": paged(ref("Item")),
    "Log": thing({"results": many(ref("LogLine"))}),
    "LogLine": thing({"at": a("string", **MOMENT), "text": a("string")}),
    "Operation": OPERATION,
    "Operations": thing({"results": many(ref("Operation"))}),
    "Problem": PROBLEM,
    "Progress": PROGRESS,
    "Run": RUN,
    "Runs": paged(ref("Run")),
    "Settling": thing({"went_out": a("boolean")}, {"keys": many(a("string"))}, additionalProperties=False),
}
