"""The wire between a service and its Redis, which can be cut."""

import socket
import threading
from contextlib import suppress

__all__ = ["Wire"]


class Wire:
    """Passes on what comes, in both directions, until it is cut; whoever connects then is refused."""

    def __init__(self, port: int) -> None:
        self.port_of_server = port
        self.ends: list[socket.socket] = []
        self.is_cut = False
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listening.accept()
                if self.is_cut:
                    near.close()
                else:
                    self.join(near)

    def join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self.port_of_server))
        except OSError:
            near.close()
            return
        self.ends += [near, far]
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=self.pass_on, args=(one, other), daemon=True).start()

    def pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End what is open, and refuse what is new."""
        self.is_cut = True
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends = []

    def mend(self) -> None:
        self.is_cut = False

    def close(self) -> None:
        self.listening.close()
        self.cut()
