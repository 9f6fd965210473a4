"""Who owns a part, what it has come to, and who is there to own one."""
