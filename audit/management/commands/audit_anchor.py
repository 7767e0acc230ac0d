"""`./clinic manage audit_anchor`: tell the heads of the chains to file, mail and system log, as the settings say."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import anchoring
from common import clock


class Command(BaseCommand):
    help = "Write the newest seal of each clinic's chain to the places named in the settings, and here."

    def handle(self, *args: Any, **options: Any) -> None:
        at = clock.now()
        for head in anchoring.heads(at=at):
            self.stdout.write(head.line())
        untold = anchoring.anchor(at=at)
        if untold:
            raise CommandError(f"These could not be told: {', '.join(untold)}.", returncode=1)
