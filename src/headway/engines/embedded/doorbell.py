"""Wakes the workers of this machine at once: a datagram on the loopback, to the ports that they have told.

A datagram says nothing, and any program may send one: a worker only asks the database what is due.
"""

import socket

from headway.store.parts import workers

LOOPBACK = "127.0.0.1"
MOST = 64  # datagrams at once; further children find the rest by themselves


def ring(times: int = 1) -> None:
    """Wake as many as `times` children of each supervisor here. Raises OSError, and the database's errors."""
    for port in workers.doorbells(socket.gethostname()):
        ring_at(port, times)


def ring_at(port: int, times: int) -> None:
    """Wake as many as `times` of those that listen there. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for _ in range(min(times, MOST)):
            sender.sendto(b"!", (LOOPBACK, port))


def listening() -> socket.socket:
    """A socket that the supervisor makes before it forks: its children share it, and a datagram wakes an idle one."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((LOOPBACK, 0))
    return receiver


def await_ring(receiver: socket.socket, seconds: float) -> None:
    """Wait for a datagram, for so long at most. Each wakes one of those that wait."""
    receiver.settimeout(seconds)
    try:
        receiver.recv(16)
    except TimeoutError:
        pass
