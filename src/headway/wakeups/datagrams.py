"""Wake-ups on one machine: datagrams on the loopback.

A datagram says nothing, and any program may send one: a worker only asks the database what is due.
"""

import socket

LOOPBACK = "127.0.0.1"
MOST = 64  # at once; further workers find the rest by themselves


def send(port: int, times: int) -> None:
    """Wake as many as `times` of those that listen there. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for _ in range(min(times, MOST)):
            sender.sendto(b"!", (LOOPBACK, port))


def listening() -> socket.socket:
    """A socket that a process makes before it forks: its children share it, and a datagram wakes an idle one."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((LOOPBACK, 0))
    return receiver


def wait(receiver: socket.socket, seconds: float) -> None:
    """Wait for a datagram, for so long at most. Each wakes one of those that wait."""
    receiver.settimeout(seconds)
    try:
        receiver.recv(16)
    except TimeoutError:
        pass
