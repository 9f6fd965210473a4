"""manage.py headway_watch URL: follow a run of any server, over HTTP, without its database."""

import os
from argparse import ArgumentParser
from typing import Any, cast

from django.core.management.base import CommandError

from headway.management.base import PrintingCommand
from headway.management.terminal import Drawing, fail_unless_done_well, is_at_rest

AUTHORIZATION = "HEADWAY_AUTHORIZATION"
ADDRESS = "Give the run's address in the API, such as https://example.com/api/runs/…/."


class Command(PrintingCommand):
    help = (
        "Follows a run of this or another server over HTTP, to its end or until it is paused. "
        f"The environment's {AUTHORIZATION} (such as 'Token …') signs in."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", metavar="URL", help="Its address in the API: https://example.com/api/runs/…/")
        parser.add_argument(
            "--patience",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="How long to wait for a server (default: 60).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from headway.client import Client, ClientError, Problem, SignedOut  # here: it is an extra
        except ImportError as error:
            raise CommandError(str(error)) from error
        url = options["url"]
        if "://" not in url:
            raise CommandError(f"{url!r} is no address. {ADDRESS}")
        given = os.environ.get(AUTHORIZATION)
        headers = {"Authorization": given} if given else {}
        drawing = Drawing(self.stdout)
        try:
            with Client(url, patience=options["patience"], headers=headers) as client:
                for run in client.follow(str(client.base)):
                    drawing.show(cast(dict[str, Any], run))
                    if is_at_rest(run):
                        break
        except SignedOut as error:
            raise CommandError(f"{error} {how_to_sign_in(given)}") from error
        except Problem as error:
            raise CommandError(f"{error} {ADDRESS}" if error.is_foreign else str(error)) from error
        except (ClientError, ValueError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("\nThe run goes on.")
            return
        fail_unless_done_well(run)


def how_to_sign_in(given: str | None) -> str:
    """What to do where the server doesn't know who asks, though this was sent."""
    if not given:
        return f"Set {AUTHORIZATION} in the environment, such as {AUTHORIZATION}='Token …'."
    if " " not in given.strip():
        return f"{AUTHORIZATION} is one word: write before it of which kind it is, such as 'Token …'."
    return f"The server doesn't take what {AUTHORIZATION} says."
