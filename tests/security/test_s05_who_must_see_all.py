"""S05: the wall does not stand in the way of those who must see everything: backups, and the owner's mending."""

import os
import subprocess

import pytest
from django.db import connection

from launch import binaries, identity
from tests import factories, owner, workers

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_dump_by_the_backup_role_holds_every_clinics_rows_and_every_table() -> None:
    names = _two_clinics_with_a_patient()
    dumped = _dump(os.environ["DATABASE_BACKUP_URL"])
    assert dumped.returncode == 0, dumped.stderr
    for name in names:
        assert name in dumped.stdout
    with owner.connect(connection.settings_dict["NAME"]) as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert [table for (table,) in tables if f"COPY public.{table} " not in dumped.stdout] == []


def test_a_dump_by_whoever_may_not_see_all_is_none() -> None:
    """The application's role would make a dump without rows and never say so; without row security it is refused."""
    names = _two_clinics_with_a_patient()
    seen = _dump(os.environ["DATABASE_URL"], "--table=patients_patient")
    assert not [name for name in names if name in seen.stdout]
    refused = _dump(os.environ["DATABASE_URL"], "--table=patients_patient", row_security=False)
    assert refused.returncode != 0
    assert "row-level security" in refused.stderr


def test_the_owners_backfill_touches_every_clinics_rows() -> None:
    names = _two_clinics_with_a_patient()
    with owner.connect(connection.settings_dict["NAME"]) as database:
        mended = database.execute("UPDATE patients_patient SET record_number = 'mended ' || record_number")
        assert mended.rowcount == len(names)
        found = database.execute(
            "SELECT count(DISTINCT clinic_id) FROM patients_patient WHERE record_number ~ 'mended'"
        )
        assert found.fetchone() == (2,)


def _two_clinics_with_a_patient() -> list[str]:
    """Record numbers: names are sealed."""
    numbers = []
    for place in ("North", "South"):
        patient = factories.patient(factories.clinic(f"{place} Clinic"), f"{place} Person", record_number=f"{place}-17")
        numbers.append(patient.record_number)
    return numbers


def _dump(url: str, *options: str, row_security: bool = True) -> "subprocess.CompletedProcess[str]":
    program = binaries.postgres(identity.service()) / "pg_dump"
    options = ("--enable-row-security", *options) if row_security else options
    address = workers.on(url, connection.settings_dict["NAME"])
    return subprocess.run([str(program), *options, address], capture_output=True, text=True, check=False, cwd="/")
