"""Where a panel's links and buttons lead: to the pages where those are mounted, else to the API."""

from collections.abc import Mapping
from typing import Any

from headway.addresses import of_page

from .markup import ACTIONS


def hrefs(run: Mapping[str, Any]) -> dict[str, str]:
    """The addresses of this snapshot's panel."""
    run_id, links = run["id"], run["links"]
    page, failures = of_page("run", run_id), links.get("failures", "")
    steering = {name: of_page(name, run_id) or f"{links.get('self', '')}{name}/" for name in ACTIONS}
    return {
        **steering,
        "page": page,
        "failures": failures,
        "file": links.get("file", ""),
        "results": links.get("results", ""),
        "list": f"{page}#failures" if page else failures,
        "again": of_page("start", run["operation"]),
    }
