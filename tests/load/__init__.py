"""Many at once: what must hold, and how long it takes."""
