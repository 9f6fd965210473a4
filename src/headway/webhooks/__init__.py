"""The end of a run, told to other programs by signed HTTP requests (Standard Webhooks). Each delivery is a run itself.

Without HEADWAY["WEBHOOKS"] nothing of it is loaded.
"""

from headway.conf import valid_conf
from headway.store.runs.endings import ending


def connect() -> None:
    """From now on the ends of runs are told, where the settings name an address."""
    if valid_conf().webhooks:
        from .delivery import tell  # declares an operation, which others neither see nor start

        ending.connect(tell, dispatch_uid=__name__)
