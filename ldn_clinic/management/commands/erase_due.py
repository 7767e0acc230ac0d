"""Erases the records whose erasing is due. Run by the owner of the tables, once a night."""

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
        self.stdout.write(f"{erasing.erase_due(at=clock.now())} erased")
