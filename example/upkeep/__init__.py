"""What keeps the site running: probes, metrics, and the guard against the demo's users. Knows nothing of airports."""
