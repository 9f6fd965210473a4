"""`python -m tests.mail_server FILE`: an SMTP server that writes down the Message-ID of each mail that it takes.

It says its port on standard output, and ends with its standard input.
"""

import asyncio
import email
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import TracebackType

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.processes import spawn

__all__ = ["MailServer"]

TAKES = 0.005  # s, for each mail


class Sink:
    """Takes every mail."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """On record first, and then told: so no mail that the client takes for sent is missing."""
        await asyncio.sleep(TAKES)
        message = email.message_from_bytes(envelope.content or b"")
        os.write(self.file, f"{message['Message-ID']}\n".encode())
        return "250 taken"


async def serve(path: str) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink(path), hostname="localhost"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


class MailServer:
    """Runs in a process of its own from the beginning of a `with` to its end."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mails"
        self.path.touch()

    def __enter__(self) -> "MailServer":
        command = [sys.executable, "-m", "tests.mail_server", str(self.path)]
        self.process = spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate()

    @property
    def taken(self) -> Counter[str]:
        """How often each mail has come, by the key of its effect."""
        lines = self.path.read_text().split()
        return Counter(line.strip("<>").partition("@")[0] for line in lines)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
