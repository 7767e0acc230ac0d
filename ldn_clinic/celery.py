"""The Celery application. A message is a hint that may be lost, late or doubled; the truth is a row."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ldn_clinic.settings")

app = Celery("ldn_clinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def refuse_to_start(**_: Any) -> None:
    """A worker or a beat runs no system checks: what keeps the web from starting keeps them too."""
    from ldn_clinic import checks  # noqa: PLC0415  the settings import this package

    try:
        checks.refuse()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error  # Celery logs any other exception of a signal and goes on
