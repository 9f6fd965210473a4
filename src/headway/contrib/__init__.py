"""What most projects need around Headway: probes, metrics and log lines. The rest of Headway imports only the check."""
