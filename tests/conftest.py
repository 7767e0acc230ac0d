"""A database of this run's own, made and migrated by its owner; every test then connects as the application does.

A superuser, or the owner, would walk through walls the application cannot: tests run as they do would prove nothing.
"""

import os
from collections.abc import Iterator

import pytest

# Playwright's own event loop makes Django believe that every query is made from asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    from django.core.management import call_command
    from django.db import connections
    from django.db.backends.signals import connection_created

    from common import scoped
    from tests import owner, sight

    name = f"test_ldn_{os.getpid()}"
    with django_db_blocker.unblock(), owner.database(name):
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


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Rate limits of one test must not meet the next."""
    from django.core.cache import cache

    cache.clear()
