"""What keeps this site running: health checks of its processes, and the guard against the demo's users."""
