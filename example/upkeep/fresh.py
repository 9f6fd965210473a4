"""`python -m example.upkeep.fresh FILE SECONDS`: whether it was written lately. Beat saves its schedule regularly."""

import sys
import time
from pathlib import Path


def main(path: str, seconds: str) -> int:
    """0 or 1. The file's ending depends on the system."""
    file = Path(path)
    written = [found.stat().st_mtime for found in file.parent.glob(f"{file.name}*")]
    return 0 if written and time.time() - max(written) < float(seconds) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
