"""Keeps: every room's tables can be taken down and built again, and come out as they were, walls and rights and all."""

import os
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from tests import owner

ROOMS = (
    "exports",
    "imports",
    "reminders",
    "titration",
    "symptoms",
    "patients",
    "audit",
    "accounts",
    "common",
    "ldn_clinic",
)
"""Each before those it leans on."""

SHAPE = """
SELECT 'column', table_name, column_name || ' ' || data_type || ' ' || is_nullable || coalesce(column_default, '')
    FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'wall', tablename, concat_ws(' ', policyname, cmd, qual, with_check, roles::text)
    FROM pg_policies WHERE schemaname = 'public'
UNION ALL SELECT 'forced', relname, relrowsecurity::text || relforcerowsecurity::text
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
UNION ALL SELECT 'right', table_name, grantee || ' ' || privilege_type
    FROM information_schema.role_table_grants WHERE table_schema = 'public'
ORDER BY 1, 2, 3
"""


@pytest.fixture
def empty_database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The owner's connection leads to an empty database of its own for this test."""
    settings = connections["owner"].settings_dict
    name, home = f"ldn_ways_{os.getpid()}", settings["NAME"]
    connections["owner"].close()
    with django_db_blocker.unblock():
        owner.make_database(name)
        settings["NAME"] = name
        yield
        connections["owner"].close()
        settings["NAME"] = home


def _shape() -> set[tuple[str, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(SHAPE)
        return set(cursor.fetchall())


def _migrate(*where: str) -> None:
    call_command("migrate", *where, database="owner", verbosity=0)


def test_the_list_of_rooms_is_whole() -> None:
    ours = {app.label for app in apps.get_app_configs() if "site-packages" not in app.path and any(app.get_models())}
    assert ours == {*ROOMS}


@pytest.mark.long
def test_every_room_goes_back_to_nothing_and_forward_again(empty_database: None) -> None:
    _migrate()
    built = _shape()
    for room in ROOMS:
        _migrate(room, "zero")
    assert not [table for _, table, _ in _shape() if table.startswith(ROOMS)]
    _migrate()
    assert _shape() == built
