"""`make demo-shell`: a worker and one import, followed in the terminal; everything ends with it."""

import subprocess
import sys


def main() -> int:
    """Prepare the database, start a worker, import, say what is in the table."""
    if code := manage("migrate", "--verbosity", "0"):
        return code
    worker = subprocess.Popen([sys.executable, "manage.py", "headway_worker"])
    try:
        code = manage("headway_run", "airports.import_airports", "--watch")
    except KeyboardInterrupt:
        return 130  # the terminal has told the worker too
    finally:
        worker.terminate()
        worker.wait()
    manage("shell", "--verbosity", "0", "--command", COUNT)
    return code


COUNT = "from example.airports.models import Airport; print(f'{Airport.objects.count():,} airports are in the table.')"


def manage(*arguments: str) -> int:
    """One command of manage.py, on this terminal."""
    return subprocess.run([sys.executable, "manage.py", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
