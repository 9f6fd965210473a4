"""What uvicorn serves, of either service."""

import os

from django.core.asgi import get_asgi_application

from headway.live import asgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.services.settings")
application = asgi(get_asgi_application())
