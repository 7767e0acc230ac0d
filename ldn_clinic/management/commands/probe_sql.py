"""Try SQL injection on every form and question of a demonstration on this machine, by sqlmap."""

import importlib.util
import re
import subprocess
import sys
import tempfile
import time
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ldn_clinic import probe

FOUND = re.compile(r"^Parameter: .*$|is vulnerable|identified the following injection", re.MULTILINE)
TRIED = re.compile(r"testing '|do not appear to be injectable")
"""Without a word of its trials it has tried nothing, and finding nothing then means nothing."""
FAULTS = re.compile(r"^.*\b(5\d\d) \(.*?\) - (\d+) times", re.MULTILINE)


class Command(BaseCommand):
    help = "Run sqlmap (a development package) against a demonstration on this machine, for a limited time."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", required=True, help="where the demonstration answers, as http://localhost:8000")
        parser.add_argument("--who", default="prescriber", help="the demo persona to sign in as")
        parser.add_argument("--seconds", type=int, default=300, help="stop after so long")

    def handle(self, *, url: str, who: str, seconds: int, **options: Any) -> None:
        if importlib.util.find_spec("sqlmap") is None:
            raise CommandError("sqlmap is not installed: it comes with the development packages (./clinic test).")
        end, findings = time.monotonic() + seconds, 0
        visitor = probe.Visitor(url)
        try:
            visitor.sign_in(who)
            targets = visitor.targets()
        except probe.NotHere as error:
            raise CommandError(str(error)) from error
        for number, target in enumerate(targets):
            left = end - time.monotonic()
            if left < 1:
                self.stdout.write(f"The time is over; {len(targets) - number} of {len(targets)} places were not tried.")
                break
            findings += self._try(visitor, target, left / (len(targets) - number) * 2)
        if findings:
            raise CommandError(f"{findings} places need to be looked at.")
        self.stdout.write("No injection was found, and no fault was caused.")

    def _try(self, visitor: probe.Visitor, target: probe.Target, seconds: float) -> int:
        """One place; 1 when something was found there."""
        where = f"{'POST' if target.by_post else 'GET'} {urlsplit(target.address).path}"
        with tempfile.TemporaryDirectory(prefix="probe-") as folder:
            said, whole = _sqlmap(_arguments(visitor, target, folder), seconds)
        faults = FAULTS.findall(said)
        tried = TRIED.search(said) is not None
        bad = bool(FOUND.search(said)) or bool(faults) or not tried
        verdict = "nothing found" if tried else "NOT TRIED"
        verdict = "FOUND" if FOUND.search(said) else f"faults {faults}" if faults else verdict
        self.stdout.write(f"{where}: {verdict}{'' if whole else ', stopped by the clock'}")
        if bad:
            self.stdout.write(said[-3000:])
        return int(bad)


def _arguments(visitor: probe.Visitor, target: probe.Target, folder: str) -> list[str]:
    arguments = ["-u", target.address, "--cookie", visitor.cookie(), "--output-dir", folder, "--batch"]
    arguments += ["--level", "2", "--risk", "1", "--dbms", "PostgreSQL", "--timeout", "10", "--retries", "0"]
    arguments += ["--disable-coloring", "--flush-session", "--ignore-code", "403,404,405,409,422", "--drop-set-cookie"]
    if target.by_post:
        arguments += ["--data", target.data, "--csrf-token", probe.TOKEN, "--csrf-url", target.page]
        arguments += ["--csrf-method", "GET", "--referer", target.page]
    elif target.fields:
        arguments[1] = f"{target.address.partition('?')[0]}?{target.data}"
    return arguments


def _sqlmap(arguments: list[str], seconds: float) -> tuple[str, bool]:
    """What it said, and whether it came to its end within the time."""
    command = [sys.executable, "-m", "sqlmap.sqlmap", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired as over:
        return (over.stdout or b"").decode("utf-8", "replace"), False
    return done.stdout + done.stderr, True
