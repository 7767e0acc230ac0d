"""The tick: a sign of life of the worker, then one round."""

from celery import shared_task

from reminders import services


@shared_task(name="reminders.tick")
def tick() -> None:
    """May be lost, late or doubled: the rows know what is owed."""
    services.worker_alive()
    services.round()
