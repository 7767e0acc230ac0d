"""`./clinic manage audit_verify [--against FILE]`: read the memory from its beginning and name what was touched."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import anchoring, verifying
from common import clock


class Command(BaseCommand):
    help = "Find an altered, removed, inserted or cut-off event and name it. Exit code 1 when there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--against", type=Path, help="a file with anchors, as audit_anchor wrote or mailed them")

    def handle(self, *args: Any, against: Path | None = None, **options: Any) -> None:
        anchors = _read(against) if against else []
        report = verifying.verify(at=clock.now(), anchors=anchors)
        for fault in report.faults:
            self.stdout.write(str(fault))
        if report.faults:
            raise CommandError(f"{len(report.faults)} faults in {report.events} sealed events.", returncode=1)
        self.stdout.write(f"{report.events} sealed events, {len(anchors)} anchors: nothing was touched.")


def _read(path: Path) -> list[anchoring.Anchor]:
    try:
        with path.open(encoding="utf-8") as lines:
            found = list(anchoring.read(lines))
    except (OSError, ValueError, KeyError) as error:
        raise CommandError(f"The anchors in {path} cannot be read ({type(error).__name__}).", returncode=2) from error
    if not found:
        raise CommandError(f"There is no anchor in {path}.", returncode=2)
    return found
