"""What a watcher gets over each transport: thin writers of the same messages."""
