"""The deeds of the bell. Time is the database's throughout: a worker whose clock is wrong sends nothing early or late.

So the deeds here are told `at` by `pulse.database_time`, or let the database write its own clock where minutes may pass
between two lines.
"""

from reminders.services.planning import plan
from reminders.services.pulse import beat_alive, database_time, worker_alive
from reminders.services.rounds import make_round as round  # noqa: A004  "round" is the house's word for it
from reminders.services.settling import settle
from reminders.services.sweeping import sweep
from reminders.services.urgent import open_item, raise_item

__all__ = [
    "beat_alive",
    "database_time",
    "open_item",
    "plan",
    "raise_item",
    "round",
    "settle",
    "sweep",
    "worker_alive",
]
