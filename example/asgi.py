"""What uvicorn serves: Django, with live delivery before it."""

import logging
import os

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")

django = get_asgi_application()

from example.upkeep.guard import refuse_demo_users  # noqa: E402  (it needs the apps to be ready)
from headway.live import asgi  # noqa: E402  (likewise)

logging.captureWarnings(True)
refuse_demo_users()
application = asgi(django, max_body_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
