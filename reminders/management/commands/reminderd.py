"""The spare driver: rounds without broker, beat or worker. Any number may run beside them."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections

from reminders import services

ERRORS_IN_A_ROW = 5


class Command(BaseCommand):
    help = "Sends reminders by itself, round after round, until stopped; whatever starts it should start it again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=3.0, metavar="SECONDS", help="pause between two rounds")

    def handle(self, *args: Any, every: float, **options: Any) -> None:
        asked_to_stop = threading.Event()
        for asking in (signal.SIGTERM, signal.SIGINT):
            signal.signal(asking, lambda *_: asked_to_stop.set())
        errors = 0
        while not asked_to_stop.is_set():
            close_old_connections()
            try:
                services.round(stopping=asked_to_stop.is_set)
                errors = 0
            except DatabaseError as error:
                errors += 1
                self.stderr.write(f"The database does not answer ({type(error).__name__}).")
                if errors >= ERRORS_IN_A_ROW:
                    # A process that starts anew has no stale state to be wrong about.
                    raise CommandError(f"{errors} rounds in a row met no database; giving up.") from error
            asked_to_stop.wait(every)
