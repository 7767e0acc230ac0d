"""Make a key for sealed columns."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from common import clock, keyring


class Command(BaseCommand):
    help = "Print a new line for the file of the field keys. Nothing is changed: see Keys in docs/operations.md."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--id", default=f"{clock.now():%Y%m%d-%H%M}", help="how sealed texts will name it")

    def handle(self, id: str, **options: Any) -> None:
        line = keyring.new_line(id)
        keyring.Keyring.parse(line)
        self.stdout.write(line)
