"""Wiring: settings, addresses, the task queue. Nothing here knows medicine."""

from ldn_clinic.celery import app as celery_app

__all__ = ["celery_app"]
