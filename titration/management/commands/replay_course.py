"""`manage.py replay_course`, listed among Django's commands; the work is done by `titration.replay.command_line`."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from titration.replay import command_line


class Command(BaseCommand):
    help = "Runs a course in a file and prints what came of it; needs no database."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs=argparse.REMAINDER, help="as `replay_course --help` says")

    def handle(self, *args: object, **options: Any) -> None:
        code = command_line.main(options["words"], self.stdout, self.stderr)
        if code:
            raise SystemExit(code)
