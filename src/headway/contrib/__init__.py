"""What most projects need around Headway: probes, metrics and log lines. Nothing else of Headway imports it."""
