"""Wakes the workers of this machine at once: a datagram on the loopback, to the ports that they have told.

What it says doesn't matter, and anybody may ring: a worker only asks the database what is due.
"""

import logging
import os
import select
import socket

from django.db import Error

from headway.store import workers

__all__ = ["Doorbell", "ring"]

log = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"


def ring() -> None:
    """Wake the workers of this machine. Never raises: the poll is there for whatever is missed."""
    try:
        ports = workers.doorbells(socket.gethostname())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for port in ports:
                sender.sendto(b"!", (LOOPBACK, port))
    except (OSError, Error) as error:
        log.warning("event=doorbell-failed error=%r", error)


class Doorbell:
    """The listening side, made before the fork and shared by all children: one ring wakes whoever is idle."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def wait(self, seconds: float, *others: int) -> None:
        """Return when it rings, when one of the other file descriptors can be read, or after `seconds`."""
        ready, _, _ = select.select([self.socket.fileno(), *others], [], [], seconds)
        if self.socket.fileno() in ready:
            try:
                self.socket.recv(16)
            except BlockingIOError:
                pass  # another child was quicker; what rang may still be due for us
        for other in others:
            if other in ready:
                os.read(other, 4096)

    def close(self) -> None:
        """Stop listening."""
        self.socket.close()
