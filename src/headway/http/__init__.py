"""REST over Django REST framework. Includes the watch URLs of `live`, so one include mounts the whole contract."""

try:
    import drf_spectacular as drf_spectacular
    import rest_framework as rest_framework
except ImportError as error:
    raise ImportError(
        "Headway's API and its pages need Django REST framework: pip install 'django-headway[api]'"
    ) from error
