"""`manage.py titrate`, listed among Django's commands; the work is done by `titration.command_line`."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from titration import command_line


class Command(BaseCommand):
    help = "Prints the intended plan of a protocol from a start date."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs=argparse.REMAINDER, help="as `titrate --help` says")

    def handle(self, *args: object, **options: Any) -> None:
        code = command_line.main(options["words"], self.stdout, self.stderr)
        if code:
            raise SystemExit(code)
