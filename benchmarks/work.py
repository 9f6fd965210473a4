"""Work of a constant amount.

An item that waits until 100 µs have passed on the clock would hide whatever slows it: caches that were emptied between
two items, a thread that took the interpreter, a clock that runs faster than the processor. An item that turns a
generator of pseudo-random numbers so many times takes longer then, and the difference shows.
"""

import time

__all__ = ["spin", "turns_in"]

MULTIPLIER, INCREMENT, MASK = 6364136223846793005, 1442695040888963407, 2**64 - 1  # Knuth's MMIX
TRIALS = 100


def spin(turns: int) -> int:
    """So many turns of the generator, in Python, with the interpreter's lock held."""
    number = 1
    for _ in range(turns):
        number = (number * MULTIPLIER + INCREMENT) & MASK
    return number


def turns_in(seconds: float) -> int:
    """How many turns take that long here and now; the fastest of many trials, since a slow one was disturbed."""
    turns, fastest = 5_000, float("inf")
    for _ in range(TRIALS):
        began = time.perf_counter()
        spin(turns)
        fastest = min(fastest, time.perf_counter() - began)
    return max(1, round(turns * seconds / fastest))
