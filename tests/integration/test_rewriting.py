"""Many rows rewritten in one statement: each gets its own values, whatever their kind, and no other row any."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Clinic
from common.rewriting import rewrite
from tests import factories
from titration.models import Finding

pytestmark = pytest.mark.django_db
COLUMNS = ("prescription", "sentence", "day", "blocks", "used", "state", "closed_at", "over_at", "version")


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def both(clinic: Clinic) -> list[Finding]:
    return [factories.finding(factories.patient(clinic, name=f"Patient {number}")) for number in range(2)]


def changed(row: Finding, sentence: str, **more: object) -> Finding:
    row.sentence, row.version = sentence, row.version + 1
    for name, value in more.items():
        setattr(row, name, value)
    return row


def test_each_row_gets_its_own_values(clinic: Clinic, both: list[Finding]) -> None:
    one, other = both
    course = factories.prescription(one.patient)
    changed(one, 'Said “so”, with \\ and {braces}, "quotes" and 100 %.', prescription=course, blocks=["step", "dose"])
    later = factories.AT + timedelta(days=1)
    changed(other, "", used={"a": "1.5"}, day=date(2026, 5, 1), state="expired", closed_at=later, over_at=later)
    with CaptureQueriesContext(connection) as caught:
        assert rewrite([one, other], COLUMNS, clinic_id=clinic.id) == 2
    assert len(caught) == 1
    for row in both:
        kept = Finding.objects.get(id=row.id)
        assert [getattr(kept, name) for name in COLUMNS] == [getattr(row, name) for name in COLUMNS]
    assert Finding.pgh_event_model.objects.filter(pgh_obj_id=one.id).count() == 2  # type: ignore[attr-defined]


def test_words_are_sealed_on_their_way(clinic: Clinic, both: list[Finding]) -> None:
    rewrite([changed(both[0], "Nobody may read this.")], COLUMNS, clinic_id=clinic.id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sentence FROM titration_finding WHERE id = %s", [both[0].id])
        (stored,) = cursor.fetchone()
    assert stored.startswith("sealed1:")


def test_rows_of_another_clinic_and_rows_that_are_gone_are_left(both: list[Finding]) -> None:
    before = list(Finding.objects.order_by("id").values())
    assert rewrite([changed(one, "Mine now.") for one in both], COLUMNS, clinic_id=factories.clinic("Other").id) == 0
    assert list(Finding.objects.order_by("id").values()) == before
    gone = Finding(patient=both[0].patient, clinic=both[0].patient.clinic, day=date(2026, 5, 1), rule_version=1)
    assert rewrite([gone], COLUMNS, clinic_id=both[0].clinic_id) == 0
    assert list(Finding.objects.order_by("id").values()) == before


def test_what_the_table_forbids_is_refused_whole(clinic: Clinic, both: list[Finding]) -> None:
    one, other = both
    with pytest.raises(IntegrityError, match="a_closed_finding_says_when"), transaction.atomic():
        rewrite([changed(one, "Fine."), changed(other, "Not so.", state="expired")], COLUMNS, clinic_id=clinic.id)
    assert Finding.objects.get(id=one.id).sentence != "Fine."


def test_nothing_to_write_asks_nothing(clinic: Clinic, django_assert_num_queries: object) -> None:
    with CaptureQueriesContext(connection) as caught:
        assert rewrite([], COLUMNS, clinic_id=clinic.id) == 0
    assert not caught.captured_queries
