"""What decides whether a start makes a run: keys, quotas, who stands in the way, who is first."""
