"""Django's own tasks as the engine: a real `db_worker`, with the backport or with Django itself."""
