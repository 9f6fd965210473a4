"""Who may watch: callers, tickets and origins, the gate that asks the project, and permits that remember its answer."""
