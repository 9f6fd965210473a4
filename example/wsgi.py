"""The same without live delivery, for servers that only speak WSGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")

application = get_wsgi_application()

from example.upkeep.guard import refuse_demo_users  # noqa: E402  (it needs the apps to be ready)

refuse_demo_users()
