"""Fill the database with the demo clinic."""

import time
from argparse import ArgumentParser
from datetime import date
from typing import Any

import click
from django.core.management.base import BaseCommand, CommandError

from common import clock
from ldn_clinic import demo_seed


class Command(BaseCommand):
    help = "Fill the database with a clinic of made-up people. The same numbers give the same story."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--patients", type=int, default=40)
        parser.add_argument("--days", type=int, default=120, help="how far back the longest course began")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--until", type=date.fromisoformat, help="the last day of the story, today if not given")

    def handle(self, *, patients: int, days: int, seed: int, until: date | None, **options: Any) -> None:
        if patients < 1 or days < 7:
            raise CommandError("The demo clinic needs at least one patient and seven days.")
        began = time.monotonic()
        story = demo_seed.seed(patients=patients, days=days, seed=seed, last_day=until or clock.today(demo_seed.ZONE))
        try:
            with click.progressbar(story, length=patients, label="Demo clinic", file=self.stdout) as written:
                for _ in written:
                    pass
        except demo_seed.AlreadySeeded:
            self.stdout.write("The demo clinic is already there.")
            return
        self.stdout.write(f"{patients} made-up patients in {time.monotonic() - began:.1f} s.")
