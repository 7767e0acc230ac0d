"""Midnight over one clinic by two workers at once: nobody is judged twice, nobody forgotten, nobody waits for ever."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.models import Clinic
from tests import factories, workers
from titration.engine.advice import judge as engine
from titration.models import Finding, Judged
from titration.selectors import cases
from titration.selectors import rules as rules_selectors
from titration.services import findings

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]
PATIENTS, HELD, PATIENCE_S = 26, 6, 240
EVE = factories.AT + timedelta(days=5)
MIDNIGHT = EVE + timedelta(days=1)

WORKER = """
import sys
from datetime import datetime
import django
django.setup()
from common import walls
from titration.services import findings
clinic, at, held = sys.argv[1], datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
with walls.acting(clinic=clinic):
    judged = findings.judge_some(clinic_id=clinic, at=at, size=held)
    print("holds", judged, flush=True)
    sys.stdin.readline()
while True:
    with walls.acting(clinic=clinic):
        some = findings.judge_some(clinic_id=clinic, at=at, size=held)
    judged += some
    if not some:
        break
print("judged", judged, flush=True)
"""
"""A midnight by the deed that a round calls, in its first batch until the other is in its own."""


@contextmanager
def worker(clinic: Clinic, at: datetime) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", WORKER, str(clinic.id), at.isoformat(), str(HELD)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=workers.environment(), cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def rows() -> dict[tuple[object, str], tuple[object, ...]]:
    standing = Finding.objects.filter(over_at=None)
    return {(row.patient_id, row.key): (row.sentence, row.day, row.tier, row.blocks) for row in standing}


@pytest.fixture
def clinic() -> Clinic:
    """A clinic whose patients have slept badly and were all judged on the eve."""
    made = factories.clinic()
    by = factories.member(made)
    for number in range(PATIENTS):
        patient = factories.patient(made, name=f"Patient {number}")
        factories.prescription(patient, by=by)
        for night in range(5):
            hours = Decimal("4") if number % 2 else Decimal("8")
            factories.told_night(patient, factories.AT.date() + timedelta(days=night), sleep_hours=hours)
    assert findings.judge_some(clinic_id=made.id, at=EVE, size=PATIENTS) == PATIENTS
    return made


def test_two_workers_share_a_midnight(clinic: Clinic) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(worker(clinic, MIDNIGHT)) for _ in range(2)]
        # Each holds a batch of its own while the other works: whose rows are held are passed over, not waited for.
        assert [line(one) for one in both] == [["holds", str(HELD)]] * 2
        told = [one.communicate("go on\n", timeout=PATIENCE_S) for one in both]
    assert [one.returncode for one in both] == [0, 0], told
    assert [errors for _, errors in told] == ["", ""]
    # Whom the other judged between one's look and its lock is judged again, and nothing is changed by it.
    assert sum(int(said.split()[-1]) for said, _ in told) >= PATIENTS

    assert set(Judged.objects.values_list("judged_at", flat=True)) == {MIDNIGHT}
    twice = Counter(Finding.objects.filter(over_at=None).values_list("patient_id", "key_index"))
    assert set(twice.values()) == {1}
    # Raised on the eve, and followed or closed once at midnight: a second judging would have left a third version.
    versions = Counter(Finding.pgh_event_model.objects.values_list("pgh_obj_id", flat=True))  # type: ignore[attr-defined]
    assert max(versions.values()) == 2


def test_what_two_found_is_what_a_look_from_scratch_finds(clinic: Clinic) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(worker(clinic, MIDNIGHT)) for _ in range(2)]
        for one in both:
            line(one)
        for one in both:
            one.communicate("go on\n", timeout=PATIENCE_S)
    book = rules_selectors.rules_of(clinic.id).book
    expected = {
        (patient.id, found.key): (
            found.sentence,
            found.day,
            found.tier.value,
            sorted(block.value for block in found.blocks),
        )
        for patient in clinic.patients.all()
        for found in engine.judge(cases.case_of(patient, at=MIDNIGHT).case, book).findings
    }
    assert rows() == expected
    before = rows(), list(Judged.objects.order_by("patient_id").values())
    findings.judge_some(clinic_id=clinic.id, at=MIDNIGHT + timedelta(hours=1), size=PATIENTS)
    assert (rows(), list(Judged.objects.order_by("patient_id").values())) == before
