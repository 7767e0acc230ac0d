"""Write the pages of documentation that are read off the code."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from ldn_clinic import docs


class Command(BaseCommand):
    help = "Write anew the pages of docs/ that are read off the code; a guard test holds them equal to it."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        for where, words in docs.PAGES.items():
            (settings.BASE_DIR / where).write_text(words(), encoding="utf-8")
            self.stdout.write(where)
