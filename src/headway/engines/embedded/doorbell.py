"""Wakes the workers of this machine at once: a datagram on the loopback, to the ports that they have told.

What it says doesn't matter, and anybody may ring: a worker only asks the database what is due.
"""

import os
import select
import socket

from headway.store.parts import workers

__all__ = ["Doorbell", "ring"]

LOOPBACK = "127.0.0.1"
LONGEST_PEAL = 64  # more children than that find the rest by themselves


def ring(times: int = 1) -> None:
    """Wake the workers of this machine: as many as `times` of each supervisor. Raises OSError, and the database's."""
    ports = workers.doorbells(socket.gethostname())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for port in ports:
            peal(sender, port, times)


def peal(sender: socket.socket, port: int, times: int) -> None:
    sender.setblocking(False)
    for _ in range(min(times, LONGEST_PEAL)):
        sender.sendto(b"!", (LOOPBACK, port))


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

    def ring(self, times: int = 1) -> None:
        """Wake as many as `times` of those who wait. Raises OSError."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            peal(sender, self.port, times)

    def close(self) -> None:
        """Stop listening."""
        self.socket.close()
