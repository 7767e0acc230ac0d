"""Seal everything with the current field key, and count what each key seals."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError

from common import clock, resealing, sealed
from common.resealing import Done
from ldn_clinic import checks


class Command(BaseCommand):
    help = (
        "Seal the words in sealed columns with the first of the field keys, in batches that may be stopped and begun "
        "again, and say how many texts each key still seals."
    )
    requires_system_checks = [checks.TAG]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--count", action="store_true", help="only count; write nothing but the count")
        parser.add_argument("--start", action="store_true", help="of a start: migrate, then seal what never was sealed")

    def handle(self, count: bool, start: bool, **options: Any) -> None:
        if start:
            self._start()
            return
        done = [] if count else [resealing.seal_again(table) for table in resealing.tables()]
        self._say_sealed(done)
        for line in resealing.tally(at=clock.now()):
            self.stdout.write(f"{line.table_and_column:<48} {line.key_id or 'not sealed':<24} {line.texts:>8}")
        self._say_missing()
        if closed := sum(row.unopened for row in done):
            raise CommandError(f"{closed} rows were left as they are: their words do not open with the keys given.")

    def _start(self) -> None:
        """A lost key does not keep the clinic from starting: it is said here and by `/healthz`."""
        call_command("migrate", interactive=False, skip_checks=True, verbosity=0)
        try:
            self._say_sealed([resealing.seal_again(table, only_plain=True) for table in resealing.tables()])
            resealing.tally(at=clock.now())
        except ProgrammingError:
            # A column is declared whose migration is still to be written; makemigrations too needs a database.
            self.stdout.write("keys       a sealed column is not in the database yet: nothing was sealed or counted")
        else:
            self._say_missing()

    def _say_sealed(self, done: list[Done]) -> None:
        for row in done:
            if row.rows:
                self.stdout.write(f"keys       sealed {row.rows} rows of {row.table}")

    def _say_missing(self) -> None:
        for key_id, texts in resealing.missing_keys(sealed.keyring()).items():
            self.stdout.write(f"keys       the field key {key_id} is missing: {texts} texts stay closed without it")
