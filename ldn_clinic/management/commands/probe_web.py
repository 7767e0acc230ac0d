"""Look for the usual weaknesses of web pages in a demonstration on this machine, by wapiti where it is installed."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ldn_clinic import probe

# Not its csrf: it knows no token by Django's name and calls every form bare (S19 sends them without one).
MODULES = "csp,http_headers,methods,crlf,redirect,xss,permanentxss,sql"


class Command(BaseCommand):
    help = "Run wapiti, if it is installed, against a demonstration on this machine, for a limited time."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", required=True, help="where the demonstration answers, as http://localhost:8000")
        parser.add_argument("--who", default="prescriber", help="the demo persona to sign in as")
        parser.add_argument("--seconds", type=int, default=300, help="stop after so long")

    def handle(self, *, url: str, who: str, seconds: int, **options: Any) -> None:
        wapiti = shutil.which("wapiti")
        if wapiti is None:
            raise CommandError("wapiti is not installed here; Debian has it as the package wapiti.")
        visitor = probe.Visitor(url)
        try:
            visitor.sign_in(who)
        except probe.NotHere as error:
            raise CommandError(str(error)) from error
        with tempfile.TemporaryDirectory(prefix="probe-") as folder:
            report = Path(folder) / "report.json"
            command = [wapiti, "-u", f"{url.rstrip('/')}/", "--scope", "folder", "-m", MODULES, "--flush-session"]
            command += ["-H", f"Cookie: {visitor.cookie()}", "--no-bugreport"]
            command += ["--max-scan-time", str(seconds), "--max-attack-time", str(seconds / 8)]
            command += ["--store-session", folder, "-f", "json", "-o", str(report), "-v", "0"]
            try:
                subprocess.run(command, stdin=subprocess.DEVNULL, timeout=seconds + 120, check=False)
            except subprocess.TimeoutExpired:
                self.stdout.write("wapiti was stopped by the clock; what it found until then is above.")
                return
            if not report.exists():
                raise CommandError("wapiti wrote no report; what it said is above.")
            if not visitor.read("/").url.rstrip("/").endswith(url.rstrip("/")):
                self.stdout.write("It signed itself out on the way: pages behind the sign-in were tried until then.")
            self._tell(json.loads(report.read_text()))

    def _tell(self, report: dict[str, Any]) -> None:
        found = {
            f"{kind}: {one['method']} {one['path']}: {one['info']}"
            for part in ("vulnerabilities", "anomalies")
            for kind, ones in report[part].items()
            for one in ones
        }
        for line in sorted(found):
            self.stdout.write(line)
        if found:
            raise CommandError(f"{len(found)} findings.")
        self.stdout.write("Nothing was found.")
