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

    from tests import owner

    name = f"test_ldn_{os.getpid()}"
    with django_db_blocker.unblock(), owner.database(name):
        for alias in ("default", "owner"):
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = name
        call_command("migrate", database="owner", verbosity=0)
        connections["owner"].close()
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


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Rate limits of one test must not meet the next."""
    from django.core.cache import cache

    cache.clear()
