"""manage.py headway_run NAME: start a run from the shell, and watch it."""

import json
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.management.base import CommandError

from headway import runs
from headway.errors import HeadwayError, RunConflict, UploadNotStored
from headway.management.base import PrintingCommand
from headway.management.terminal import demand_tables, describe, fail_unless_done_well, watch
from headway.operations import registry, schema


class Command(PrintingCommand):
    help = "Starts a run of an operation, or joins the live one that is the same; with --watch, follows it to its end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("operation", metavar="NAME", help="Such as airports.import_airports.")
        parser.add_argument(
            "--param",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="A parameter; for a file its path, for a list several times the same name.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Change nothing: what it writes is rolled back.")
        parser.add_argument("--user", metavar="USERNAME", help="Start it as this user.")
        parser.add_argument(
            "--watch", action="store_true", help="Follow it to its end. Ctrl-C stops watching, not the run."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        demand_tables()
        try:
            operation = registry.get(options["operation"])
            with ExitStack() as files:
                given = parse(options["param"], schema.of_form(operation.form)["properties"], files)
                user = self.user(options["user"])
                started = runs.start(operation, given, user=user, dry_run=options["dry_run"])
        except RunConflict as error:
            see = f" See: manage.py headway_status {error.existing}" if error.existing else ""
            raise CommandError(f"{error}{see}") from error
        except UploadNotStored as error:
            raise CommandError(f"{error} The storage says: {error.__cause__}") from error
        except HeadwayError as error:
            raise CommandError(str(error)) from error
        run = started.run
        kind = "dry run" if run.dry_run else "run"
        self.stdout.write(f"{started.disposition.capitalize()} {kind} {run.pk} of {operation.name}.")
        if not options["watch"]:
            self.stdout.write(f"Watch it: manage.py headway_status {run.pk} --watch")
            return
        try:
            seen = watch(run.pk, self.stdout)
        except KeyboardInterrupt:
            self.stdout.write(f"\nThe run goes on. Watch it again: manage.py headway_status {run.pk} --watch")
            return
        describe(seen, self.stdout)
        fail_unless_done_well(seen)

    def user(self, username: str | None) -> Any:
        """The user of this name. Raises CommandError."""
        if username is None:
            return None
        model = get_user_model()
        try:
            return model._default_manager.get_by_natural_key(username)
        except model.DoesNotExist as error:
            raise CommandError(f"There is no user {username!r}.") from error


def parse(pairs: list[str], properties: dict[str, Any], files: ExitStack) -> dict[str, Any]:
    """NAME=VALUE as the operation's schema wants them; `files` closes what is opened here. Raises CommandError."""
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"--param {pair!r} is not NAME=VALUE.")
        wanted = properties.get(name, {})
        if wanted.get("format") == "binary":
            given[name] = files.enter_context(open_file(text))
        elif wanted.get("type") == "array":
            given.setdefault(name, []).append(text)
        else:
            given[name] = value_of(text, wanted.get("type", "string"))
    return given


def value_of(text: str, wanted: str | list[str]) -> Any:
    """Text where text will do, else the JSON value that it spells; the schema judges the result."""
    if "string" in wanted:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def open_file(path: str) -> "File[bytes]":
    """The file, ready to be stored with the run. Raises CommandError."""
    try:
        return File(Path(path).open("rb"), name=Path(path).name)
    except OSError as error:
        raise CommandError(f"The file {path!r} can't be read: {error.strerror}.") from error
