"""The role that reads what leaves may read every table an export asks, and writes none of them."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership
from common import walls
from exports import datasets
from tests import factories

pytestmark = pytest.mark.django_db
ROLES = Membership.Role


def tables_asked(role: str, *, of_one: bool) -> set[str]:
    """Every table that the statements of an export name, as they were sent to the database."""
    clinic = factories.clinic()
    patient, owner = factories.patient(clinic), factories.member(clinic, role)
    selection = datasets.Selection(
        export_id=uuid.uuid4(), owner=owner, patient_id=patient.id if of_one else None, at=factories.AT
    )
    with CaptureQueriesContext(connection) as asked:
        datasets.expected(selection)
        list(datasets.rows(selection))
    known = set(connection.introspection.table_names())
    return {name for query in asked for name in re.findall(r'"(\w+)"', query["sql"]) if name in known}


def may(right: str, table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, %s, %s)", [walls.EXPORT_ROLE, table, right])
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("of_one", [True, False])
@pytest.mark.parametrize("role", [ROLES.PRESCRIBER, ROLES.STAFF])
def test_every_table_of_an_export_may_be_read_and_none_written(role: str, of_one: bool) -> None:
    tables = tables_asked(role, of_one=of_one)
    assert {"patients_patient", "patients_careteammember", "symptoms_symptomlog", "titration_step"} <= tables
    assert {table for table in tables if not may("SELECT", table)} == set()
    assert {table for table in tables if any(may(right, table) for right in ("INSERT", "UPDATE", "DELETE"))} == set()
