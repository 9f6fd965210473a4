"""`python -m example.upkeep.ping NODE`: whether this host's Celery worker of that name answers through the broker."""

import socket
import sys

from example.celery import app

TIMEOUT = 5.0  # s


def main(node: str) -> int:
    """0 or 1."""
    name = f"{node}@{socket.gethostname()}"
    answers = app.control.ping(destination=[name], timeout=TIMEOUT, limit=1)
    sys.stdout.write(f"{answers or f'{name} does not answer'}")
    return 0 if answers else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
