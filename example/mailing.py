"""Settings of mail as this Django calls them: MAILERS from 6.1 on, EMAIL_… before."""

from pathlib import Path
from typing import Any

from django import VERSION

__all__ = ["mail_settings"]

BACKENDS = "django.core.mail.backends"
TIMEOUT = 10  # s


def mail_settings(host: str, port: int, folder: Path) -> dict[str, Any]:
    """Mail goes to that server; where none is named, into files of the folder."""
    backend = f"{BACKENDS}.{'smtp' if host else 'filebased'}.EmailBackend"
    if VERSION >= (6, 1):
        options = {"host": host, "port": port, "timeout": TIMEOUT} if host else {"file_path": folder}
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
    server = {"EMAIL_HOST": host, "EMAIL_PORT": port, "EMAIL_TIMEOUT": TIMEOUT}
    return {"EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": folder, **server}
