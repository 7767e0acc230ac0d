"""`./clinic manage audit_verify [--against FILE]`: read the memory from its beginning and name what was touched."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import anchoring, verifying
from common import clock


class Command(BaseCommand):
    help = "Find an altered, removed, inserted or cut-off event and name it. Exit code 1 when there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--against",
            type=Path,
            help="a file with anchors, as audit_anchor wrote or mailed them; else AUDIT_ANCHOR_FILE",
        )

    def handle(self, *args: Any, against: Path | None = None, **options: Any) -> None:
        anchors = _read(against)
        report = verifying.verify(at=clock.now(), anchors=anchors)
        for fault in report.faults:
            self.stdout.write(str(fault))
        if report.faults:
            raise CommandError(f"{len(report.faults)} faults in {report.events} sealed events.", returncode=1)
        self.stdout.write(f"{report.events} sealed events, {len(anchors)} anchors: nothing was touched.")


def _read(told: Path | None) -> list[anchoring.Anchor]:
    """From the file that was told, which must hold some, else from the one that is kept."""
    try:
        if told is None:
            return anchoring.kept()
        with told.open(encoding="utf-8") as lines:
            found = list(anchoring.read(lines))
    except (OSError, ValueError, KeyError) as error:
        place = told or settings.AUDIT_ANCHOR_FILE
        raise CommandError(f"The anchors in {place} cannot be read ({type(error).__name__}).", returncode=2) from error
    if not found:
        raise CommandError(f"There is no anchor in {told}.", returncode=2)
    return found
