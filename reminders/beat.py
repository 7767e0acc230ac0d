"""The scheduler of beat: Celery's own, leaving a pulse in the database so that a stopped clock is seen."""

import logging
import time
from typing import Any

from celery.beat import PersistentScheduler
from django.db import DatabaseError, close_old_connections

log = logging.getLogger(__name__)
PULSE_SECONDS = 15


class BeatingScheduler(PersistentScheduler):  # type: ignore[misc]
    """Ticks like its parent; at most every fifteen seconds it also says so in a row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._pulsed = float("-inf")
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        wait = super().tick(*args, **kwargs)
        if time.monotonic() - self._pulsed >= PULSE_SECONDS:
            self._pulse()
        return min(wait, PULSE_SECONDS)

    def _pulse(self) -> None:
        from reminders import services  # noqa: PLC0415  beat is named in settings, before the models are ready

        close_old_connections()
        try:
            services.beat_alive()
        except DatabaseError as error:
            # Beat must outlive the database; the missing pulse is what tells.
            log.warning("no pulse: %s", type(error).__name__)
        self._pulsed = time.monotonic()
