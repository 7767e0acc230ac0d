"""Erases the records whose erasing is due and forgets old reminders. The owner of the tables runs it once a night."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common import clock
from ldn_clinic import erasing


class Command(BaseCommand):
    help = "Erase the records whose erasing is due, as the owner of the tables. Repeating it does no harm."

    def handle(self, *args: Any, **options: Any) -> None:
        if erasing.OWNER not in settings.DATABASES:
            raise CommandError("Only the owner of the tables can do this: start it by ./clinic manage erase_due.")
        at = clock.now()
        erased, forgotten = erasing.erase_due(at=at), erasing.forget_reminders(at=at)
        self.stdout.write(f"Records erased: {erased}. Reminders forgotten: {forgotten}.")
