"""Every role finds its first page, its own navigation, and the table of what roles may do."""

import pytest

from accounts import policy
from accounts.models import Membership, User
from tests import factories, pages

pytestmark = pytest.mark.django_db

ROLES = Membership.Role


def page_of(role: str, address: str) -> tuple[int, str, str]:
    response = pages.client_of(factories.member(factories.clinic(), role)).get(address)
    return response.status_code, response.get("Location", ""), response.content.decode()


@pytest.mark.parametrize("role", ROLES.values)
def test_everybody_reads_the_roles_and_finds_their_own(role: str) -> None:
    status, _, words = page_of(role, "/people/roles/")
    assert status == 200
    assert f'{ROLES(role).label} <span class="badge-state badge-info">yours</span>' in words
    assert words.count('<span class="badge-state badge-info">yours</span>') == 1
    for permission in policy.Permission:
        assert permission.value[1:] in words.replace("&#x27;", "'")


@pytest.mark.parametrize("role", ROLES.values)
def test_signing_in_leads_to_a_page_that_opens(role: str) -> None:
    client = pages.client_of(factories.member(factories.clinic(), role))
    response = client.get("/", follow=True)
    assert response.status_code == 200
    hops = len(response.redirect_chain)
    assert hops == (0 if policy.Permission.READ_PATIENTS in policy.PERMISSIONS[role] else 1)


def test_the_navigation_shows_only_what_opens() -> None:
    assert 'href="/patients/"' not in page_of(ROLES.AUDITOR, "/people/roles/")[2]
    nurse = page_of(ROLES.NURSE, "/people/roles/")[2]
    assert 'href="/patients/"' in nurse
    assert 'href="/exports/"' not in nurse
    assert 'href="/exports/"' in page_of(ROLES.STAFF, "/people/roles/")[2]


def test_a_deactivated_person_is_signed_out_everywhere() -> None:
    actor = factories.member(factories.clinic())
    client = pages.client_of(actor)
    assert client.get("/").status_code == 200
    User.objects.filter(id=actor.user_id).update(is_active=False)
    for address in ("/", "/people/roles/", "/patients/"):
        assert client.get(address).status_code == 302
        assert client.get(address)["Location"].startswith("/accounts/login/")
