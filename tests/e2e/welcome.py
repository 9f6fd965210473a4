"""A demo in a terminal says when everything is there."""

import subprocess

__all__ = ["welcome_of"]


def welcome_of(process: "subprocess.Popen[str]") -> str:
    """All that it says once everything has started."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            return said
    raise AssertionError(f"It has ended: {said}{process.communicate()[1]}")
