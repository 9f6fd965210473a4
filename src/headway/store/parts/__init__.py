"""Which part goes on next and who owns it, what it and its items have come to, the names and rates that parts share,
and which workers are there."""
