"""What uvicorn serves: Django, with live delivery before it."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")

django = get_asgi_application()

from headway.live import asgi  # noqa: E402  (it needs the apps to be ready)

application = asgi(django)
