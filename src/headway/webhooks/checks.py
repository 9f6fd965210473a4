"""The start-up check of webhooks."""

from typing import Any

from django.core import checks

from headway.conf import valid_conf

from .endpoints import faults


@checks.register("headway")
def check_webhooks(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E027: an address that is to be told of runs is declared wrongly."""
    declared = valid_conf().webhooks
    hint = 'Mend HEADWAY["WEBHOOKS"] in the project\'s settings; docs/how-to/webhooks.md says what it may be.'
    return [
        checks.Error(fault, hint=hint, id="headway.E027") for name in declared for fault in faults(name, declared[name])
    ]
