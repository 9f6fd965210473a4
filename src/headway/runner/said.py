"""What the operation says, until a checkpoint keeps it in the run's log."""

import time

AT_ONCE = 20  # lines that may be said one upon the other; in the long run it is one a second


class Said:
    """Lines that aren't stored yet. More than may be kept are passed over, as is what repeats the line before it."""

    def __init__(self, now_ms: int) -> None:
        self.lines: list[tuple[int, str]] = []
        """When each was said, by the database's clock in ms, which stands at `now_ms`; and what."""
        self.offset_ms = now_ms - time.monotonic() * 1000
        self.last = ""
        self.room = float(AT_ONCE)
        self.counted = time.monotonic()

    def note(self, text: str) -> None:
        """This was said. Called for each item, maybe, and from any thread."""
        now = time.monotonic()
        self.room, self.counted = min(AT_ONCE, self.room + now - self.counted), now
        if self.room >= 1 and text and text != self.last:
            self.room -= 1
            self.last = text
            self.lines.append((round(self.offset_ms + now * 1000), text))

    def stored(self, count: int) -> None:
        """The first lines, so many, are committed."""
        del self.lines[:count]

    def forget(self) -> None:
        """The chunk in which they were said is undone: what it says when it is done again counts."""
        self.room += len(self.lines)
        self.lines.clear()
        self.last = ""
