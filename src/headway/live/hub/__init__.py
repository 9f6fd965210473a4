"""The watchers, what has changed, and telling the ones of the other: one hub for each event loop, and its thread."""
