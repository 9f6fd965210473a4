"""Who watches what, what has changed, and telling the one of the other: one hub for each event loop, and its thread."""
