"""`{commands}`: every management command with its arguments, as the command itself tells them."""

import pkgutil
from argparse import Action
from collections.abc import Iterator

from django.core.management import load_command_class
from sphinx.application import Sphinx

import headway.management.commands

from .generated import Generated, cell

__all__ = ["setup"]


def lines() -> Iterator[str]:
    for found in pkgutil.iter_modules(headway.management.commands.__path__):
        command = load_command_class("headway", found.name)
        parser = command.create_parser("manage.py", found.name)
        own = [action for action in parser._actions if action.help and action.dest not in OF_ALL]
        yield from (f"**`manage.py {found.name}`**", "", cell(command.help), "")
        if own:
            yield from ("| | |", "| --- | --- |", *map(row, own), "")


def row(action: Action) -> str:
    name = ", ".join(action.option_strings) or action.metavar or action.dest
    value = f" {action.metavar or action.dest.upper()}" if action.option_strings and action.nargs != 0 else ""
    shown = str(action.help) % {"default": action.default, "prog": "manage.py"}
    return f"| `{name}{value}` | {cell(shown)} |"


OF_ALL = {
    "help",
    "version",
    "verbosity",
    "settings",
    "pythonpath",
    "traceback",
    "no_color",
    "force_color",
    "skip_checks",
}


class Commands(Generated):
    lines = staticmethod(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
