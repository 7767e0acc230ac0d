"""The Celery application. A message is a hint that may be lost, late or doubled; the truth is a row."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ldn_clinic.settings")

app = Celery("ldn_clinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
