"""What a worker does for exports. A message carries an id and nothing else."""

import uuid

from celery import shared_task

from common import clock
from exports import services


@shared_task(name="exports.make")
def make(export_id: str) -> None:
    """Make one export, if it still waits to be made."""
    services.run(uuid.UUID(export_id), now=clock.now)


@shared_task(name="exports.tick")
def tick() -> None:
    """Find what the queue or a worker lost, and destroy what has expired."""
    services.sweep(at=clock.now())
