"""What the guards share: one house full of people, built once for each module."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import transaction

from tests import personas
from tests.personas import NOW, House


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Built in a transaction that never ends well; every knock takes back what it did."""
    from django.conf import settings

    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock(), time_machine.travel(NOW, tick=False):
        patch.setattr(settings, "EXPORT_DIR", tmp_path_factory.mktemp("exports"))
        with transaction.atomic():
            yield personas.build()
            transaction.set_rollback(True)
