"""Wake-ups over PostgreSQL's NOTIFY and over a real Valkey: what they give, and that losing them costs latency only."""
