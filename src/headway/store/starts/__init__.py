"""What decides whether a start makes a run: keys, quotas, the runs that stand in the way, the order."""
