"""A database of this run's own, made and migrated by its owner; every test then connects as the application does.

A superuser, or the owner, would walk through walls the application cannot: tests run as they do would prove nothing.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest

# Playwright's own event loop makes Django believe that every query is made from asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests first, then the browser's: else one core is idle while the other ends the longest."""
    marks: dict[Any, set[str]] = {}
    for item in items:
        marks.setdefault(item.path, set()).update(mark.name for mark in item.iter_markers())
    items.sort(key=lambda item: (not marks[item.path] & {"long", "browser"}, "long" not in marks[item.path]))


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    from django.core.management import call_command
    from django.db import connections
    from django.db.backends.signals import connection_created

    from common import scoped
    from tests import owner, sight

    name = f"test_ldn_{os.getpid()}"
    with django_db_blocker.unblock():
        owner.make_database(name)
        for alias in ("default", "owner"):
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = name
        call_command("migrate", database="owner", verbosity=0)
        connections.close_all()
        sight.let_tests_see(name)
        connection_created.connect(sight.see_everything)
        scoped.exempt = sight.looks_on
        yield
        connections.close_all()


@pytest.fixture(autouse=True, scope="session")
def emptied_by_the_owner() -> Iterator[None]:
    """Tests that commit are cleaned up by the owner: the application's role may not TRUNCATE."""
    from django.test import TransactionTestCase

    from tests import owner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: owner.empty_tables())
        yield


@pytest.fixture(autouse=True, scope="session")
def requests_begin_blind() -> Iterator[None]:
    """What a test may see is no help to the pages it opens: the walls stand around them as in earnest."""
    from django.test.client import ClientHandler

    from tests import sight

    answer = ClientHandler.__call__

    def answer_blind(self: ClientHandler, environ: dict[str, object]) -> object:
        from django.db import connection

        if connection.connection is None and not connection.in_atomic_block:
            return answer(self, environ)
        with sight.blind():
            return answer(self, environ)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "__call__", answer_blind)
        yield


@pytest.fixture(autouse=True, scope="session")
def cheap_passwords() -> Iterator[dict[str, int]]:
    """A password costs its guesser a lot, and the tests as much: here it is hashed the same way, with less memory.

    Yields what it costs in earnest.
    """
    from django.contrib.auth.hashers import Argon2PasswordHasher

    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    dear = {name: getattr(Argon2PasswordHasher, name) for name in cheap}
    with pytest.MonkeyPatch.context() as patch:
        for name, cost in cheap.items():
            patch.setattr(Argon2PasswordHasher, name, cost)
        yield dear


@pytest.fixture
def dear_passwords(cheap_passwords: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords as dear as in earnest, for a test of how long an answer takes."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    for name, cost in cheap_passwords.items():
        monkeypatch.setattr(Argon2PasswordHasher, name, cost)


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Rate limits of one test must not meet the next."""
    from django.core.cache import cache

    cache.clear()
