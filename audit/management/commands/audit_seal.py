"""`./clinic manage audit_seal`: seal now what the worker would seal at its next tick."""

from typing import Any

from django.core.management.base import BaseCommand

from audit import sealing
from common import clock


class Command(BaseCommand):
    help = "Seal the events that were written since the last tick. Safe beside the worker and beside itself."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{sealing.seal(at=clock.now())} events sealed.")
