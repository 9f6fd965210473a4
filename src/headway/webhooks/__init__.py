"""The end of a run, told to other programs by signed requests (Standard Webhooks). Each delivery is a run itself."""

from headway.conf import valid_conf
from headway.operations import registry
from headway.store.runs.endings import ending


def connect() -> None:
    """From now on the ends of runs are told, where the settings name an address.

    Where they name none any more, deliveries may wait still: their operation is there, and nobody is offered it.
    """
    from .delivery import DeliverWebhook, tell  # needs the apps to be ready

    registry.withheld.add(DeliverWebhook.name)
    if valid_conf().webhooks:
        registry.withheld.remove(DeliverWebhook.name)
        ending.connect(tell, dispatch_uid=__name__)
