"""S05: the second wall stands around every table that has a clinic or a patient, and nothing leads around it."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as django_connection

from common import walls
from launch.places import ROOT
from tests import owner
from tests.security import catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def database() -> Iterator[catalogue.Connection]:
    """The owner's connection to this test's database; what is built on it is taken down again."""
    django_connection.ensure_connection()
    with owner.connect(django_connection.settings_dict["NAME"]) as connected:
        connected.autocommit = False
        yield connected
        connected.rollback()


QUESTIONS = (
    catalogue.tables_without_a_wall,
    catalogue.reasons_for_nothing,
    catalogue.policies_that_do_not_hold,
    catalogue.roles_that_walk_through_walls,
    catalogue.ways_around,
    catalogue.rights_too_many,
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_wall_is_whole(
    database: catalogue.Connection, question: Callable[[catalogue.Connection], list[str]]
) -> None:
    assert question(database) == []


MADE = "CREATE TABLE made (id int, clinic_id uuid)"
DEFECTS: tuple[tuple[Callable[[Any], list[str]], str, str], ...] = (
    (catalogue.tables_without_a_wall, MADE, "made has no wall, and no reason to have none"),
    (catalogue.tables_without_a_wall, "CREATE TABLE made (id int)", "made has no wall, and no reason to have none"),
    (
        catalogue.tables_without_a_wall,
        "ALTER TABLE accounts_session ADD patient_id uuid",
        "accounts_session has a clinic or a patient and may not stand without a wall",
    ),
    (
        catalogue.tables_without_a_wall,
        "ALTER TABLE patients_patient NO FORCE ROW LEVEL SECURITY",
        "patients_patient has a wall that does not hold for its owner",
    ),
    (catalogue.reasons_for_nothing, "ALTER TABLE reminders_breaker RENAME TO other", "reminders_breaker"),
    (
        catalogue.policies_that_do_not_hold,
        "CREATE POLICY also ON patients_patient FOR SELECT USING (true)",
        "patients_patient: also opens the wall and nobody said why",
    ),
    (
        catalogue.policies_that_do_not_hold,
        "ALTER POLICY clinic_only ON patients_patient WITH CHECK (true)",
        "patients_patient: clinic_only is",
    ),
    (
        catalogue.policies_that_do_not_hold,
        "DROP POLICY owner_mends ON patients_patient",
        "patients_patient: owner_mends is None",
    ),
    (
        catalogue.policies_that_do_not_hold,
        "DROP POLICY backup_reads ON patients_patient",
        "patients_patient: backup_reads is None",
    ),
    (catalogue.ways_around, "CREATE VIEW made AS SELECT * FROM patients_patient", "made shows what its owner sees"),
    (
        catalogue.ways_around,
        "CREATE MATERIALIZED VIEW made AS SELECT * FROM patients_patient",
        "made shows what its owner sees",
    ),
    (
        catalogue.ways_around,
        "CREATE FUNCTION made() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "made() runs as who made it",
    ),
    (catalogue.rights_too_many, "GRANT TRUNCATE ON patients_patient TO ldn_app", "ldn_app may TRUNCATE"),
    (catalogue.rights_too_many, "GRANT UPDATE (words) ON symptoms_opioidreport TO ldn_worker", "ldn_worker may UPDATE"),
    (catalogue.rights_too_many, "GRANT DELETE ON patients_patientevent TO ldn_app", "ldn_app may DELETE"),
    (catalogue.rights_too_many, "GRANT INSERT ON patients_patient TO ldn_export", "ldn_export may INSERT"),
    (catalogue.rights_too_many, "GRANT SELECT ON patients_patient TO PUBLIC", "everybody may read patients_patient"),
)


@pytest.mark.parametrize(("question", "defect", "sentence"), DEFECTS, ids=[defect for _, defect, _ in DEFECTS])
def test_a_hole_is_found(
    database: catalogue.Connection, question: Callable[[catalogue.Connection], list[str]], defect: str, sentence: str
) -> None:
    database.execute("SET LOCAL lock_timeout = '5s'")
    database.execute(defect)
    assert any(sentence in found for found in question(database)), question(database)


def test_a_view_that_asks_as_its_reader_is_none(database: catalogue.Connection) -> None:
    database.execute("CREATE VIEW made WITH (security_invoker = true) AS SELECT * FROM patients_patient")
    assert catalogue.ways_around(database) == []


def test_the_wall_that_a_migration_builds_is_the_one_that_is_asked_for(database: catalogue.Connection) -> None:
    database.execute(MADE)
    made = walls.wall("made")
    for statement in made.sql:
        database.execute(statement)
    for question in (catalogue.tables_without_a_wall, catalogue.policies_that_do_not_hold, catalogue.rights_too_many):
        assert question(database) == []
    for statement in made.reverse_sql:
        database.execute(statement)
    assert catalogue.tables_without_a_wall(database) == ["made has no wall, and no reason to have none"]


# The code's side: nothing that a pooled connection would keep, nothing that walks past the selectors.

APPS = [
    "accounts",
    "audit",
    "charts",
    "common",
    "desk",
    "exports",
    "imports",
    "ldn_clinic",
    "patients",
    "portal",
    "reminders",
    "symptoms",
    "titration",
]


def test_nothing_is_told_to_a_connection_for_longer_than_a_transaction() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in _code()
        for text in _texts(path)
        for found in catalogue.sentences_that_outlast(text)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "SET app.clinic = 'x'",
        "SELECT 1; SET ROLE ldn_owner",
        "set session authorization somebody",
        "SELECT set_config('app.clinic', %s, false)",
        "SELECT set_config('app.clinic', %s, %s)",
    ],
)
def test_what_would_outlast_is_found(text: str) -> None:
    assert catalogue.sentences_that_outlast(text)


@pytest.mark.parametrize(
    "text", ["SET LOCAL ROLE ldn_auditor", "SELECT set_config('app.clinic', %s, true)", "UPDATE a SET b = 1"]
)
def test_what_ends_with_the_transaction_is_let_be(text: str) -> None:
    assert catalogue.sentences_that_outlast(text) == []


def test_nobody_asks_past_the_managers() -> None:
    wrong = [f"{path.relative_to(ROOT)}:{line} {name}" for path in _code() for line, name in _past_the_managers(path)]
    assert wrong == []


def test_asking_past_the_managers_is_found(tmp_path: Path) -> None:
    written = tmp_path / "written.py"
    written.write_text("a.objects.raw('x')\na._base_manager\nb.objects.extra(where=[])\nlog.info('x', extra={})\n")
    assert list(_past_the_managers(written)) == [(1, "raw"), (2, "_base_manager"), (3, "extra")]


def _code() -> list[Path]:
    """All production code: the apps, with their migrations. The launcher makes roles and serves no request."""
    found = [path for name in APPS for path in sorted((ROOT / name).rglob("*.py"))]
    assert len(found) > 100
    return [*found, ROOT / "manage.py"]


def _texts(path: Path) -> Iterator[str]:
    """Every text in the code; what is filled in later stands as {}."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _past_the_managers(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr == "_base_manager":
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("raw", "extra"):
            yield node.lineno, node.func.attr  # type: ignore[attr-defined]
