"""List what browsers reported about the content security policy."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from common import clock
from ldn_clinic import breaches


class Command(BaseCommand):
    help = "List what browsers reported as blocked by the content security policy, by kind of page."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=7)

    def handle(self, *, days: int, **options: Any) -> None:
        found = breaches.since(clock.now().date() - timedelta(days=days))
        for row in found:
            self.stdout.write(f"{row.day}  {row.times:>6}  {row.directive}  {row.blocked}  on {row.page}")
        if not found:
            self.stdout.write(f"No breach was reported in the last {days} days.")
