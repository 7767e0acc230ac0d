"""Questions about the bell."""

from datetime import datetime

from reminders.models import Heartbeat


def last_pulse(name: str) -> datetime | None:
    """When this part of the clock was last alive."""
    return Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()


def trouble(*, at: datetime) -> list[str]:
    """Sentences about what is wrong with the rounds; empty when nothing is."""
    return []
