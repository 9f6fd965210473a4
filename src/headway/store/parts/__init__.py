"""Which worker owns a part, what the part has come to, and which workers are there."""
