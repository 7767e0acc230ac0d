"""What a worker does that belongs to no storey alone."""

from celery import shared_task

from common import clock
from ldn_clinic import retention


@shared_task(name="retention.tick")
def tick() -> None:
    """Once a day is enough; missed, doubled or late it only forgets later."""
    retention.sweep(at=clock.now())
