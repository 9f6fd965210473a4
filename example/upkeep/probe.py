"""`python -m example.upkeep.probe URL`: whether it answers with 200, for health checks; images have no curl."""

import sys
import urllib.request
from urllib.error import URLError

TIMEOUT = 8.0  # s; /readyz answers within 6


def main(url: str) -> int:
    """0 or 1, with the answer or the reason."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310  (the address is ours)
            sys.stdout.write(answer.read(2_000).decode(errors="replace"))
            return 0
    except (URLError, OSError) as error:
        sys.stdout.write(f"{url}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
