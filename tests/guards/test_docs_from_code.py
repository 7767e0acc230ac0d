"""Documentation that is read off the code says what the code says."""

import pytest

from accounts import policy
from accounts.models import Membership
from launch.places import ROOT
from ldn_clinic import docs


@pytest.mark.parametrize("where", sorted(docs.PAGES))
def test_the_page_is_as_the_code_has_it(where: str) -> None:
    stands = (ROOT / where).read_text(encoding="utf-8")
    assert stands == docs.PAGES[where](), "run ./clinic manage docs_from_code"


def test_the_table_of_roles_tells_one_permission_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    before = docs.roles()
    more = {**policy.PERMISSIONS, Membership.Role.AUDITOR: frozenset({policy.Permission.PRESCRIBE})}
    monkeypatch.setattr(policy, "PERMISSIONS", more)
    assert docs.roles() != before


def test_every_role_of_the_database_stands_in_the_table_and_every_permission_belongs_to_one() -> None:
    assert set(policy.PERMISSIONS) == set(policy.FOR_WHOM) == set(Membership.Role.values)
    assert set(policy.Permission) == set().union(*policy.PERMISSIONS.values())
