"""Real processes that are killed, frozen and cut off; the ledger is the judge."""
