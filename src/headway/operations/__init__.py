"""What users declare: operations, their sources, their parameters. Nothing here knows a table or a worker."""
