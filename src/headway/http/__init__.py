"""REST over Django REST framework. Includes the watch URLs of `live`, so one include mounts the whole contract."""
