"""The WSGI entry point for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ldn_clinic.settings")

application = get_wsgi_application()

from ldn_clinic import checks  # noqa: E402  once Django knows its settings

checks.refuse()
