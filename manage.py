#!/usr/bin/env python
"""Django's command line, for the example project; `test` runs the whole suite."""

import os
import sys


def main() -> None:
    """Run a management command, or say what to install first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django isn't installed in this Python. Run `make setup`, then use .venv/bin/python manage.py.")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
