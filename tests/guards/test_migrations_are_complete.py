"""Keeps: the tables are what the models say, and the application's role owns none of them."""

import pytest
from django.core.management import call_command
from django.db import connection


@pytest.mark.django_db
def test_no_model_change_lacks_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_the_application_owns_nothing_and_is_nobody_special() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "table",
    [
        "audit_auditevent",
        "audit_seal",
        "titration_planchange",
        "titration_protocolversion",
        "titration_opioidreview",
        "symptoms_opioidreport",
        "symptoms_symptomlogevent",
        "symptoms_dosetakenevent",
        "reminders_attempt",
    ],
)
def test_append_only_tables_refuse_rewriting_by_grant_and_by_trigger(table: str) -> None:
    with connection.cursor() as cursor:
        for privilege in ("UPDATE", "DELETE", "TRUNCATE"):
            cursor.execute("SELECT has_table_privilege(current_user, %s, %s)", [table, privilege])
            assert cursor.fetchone() == (False,), privilege
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table])
        assert cursor.fetchone() != (0,)
