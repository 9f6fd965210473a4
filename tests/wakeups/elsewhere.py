"""`headway_worker` as on another machine: no datagram of this one reaches it.

It asks by itself only every TEST_POLL seconds.
"""

import os
import socket
import sys

import django
from django.core.management import call_command

if __name__ == "__main__":
    socket.gethostname = lambda: "elsewhere"
    django.setup()
    from headway.engines.embedded import child  # needs Django's apps

    child.POLL = float(os.environ["TEST_POLL"])
    call_command("headway_worker", *sys.argv[1:])
