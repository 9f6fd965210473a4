"""For a project's tests: what a worker would do, done in the test's own process."""

from .interrupting import kill_after, stop_after
from .working import drain, end_waits, instance, run_to_end, turn_clock

__all__ = ["drain", "end_waits", "instance", "kill_after", "run_to_end", "stop_after", "turn_clock"]
