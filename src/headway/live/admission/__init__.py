"""Who may watch: callers and tickets, the gate that asks the project, and permits that remember its answer."""
