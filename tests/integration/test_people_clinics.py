"""A person of several clinics acts in one of them at a time, and chooses which."""

import uuid

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import Membership
from tests import factories, pages

pytestmark = pytest.mark.django_db

ROLES = Membership.Role
MENU = "Another clinic</a>"


@pytest.fixture
def nurse() -> Actor:
    """Nurse in the first, auditor in the second."""
    actor = factories.member(factories.clinic("First Clinic"), ROLES.NURSE)
    Membership.objects.create(user_id=actor.user_id, clinic=factories.clinic("Second Clinic"), role=ROLES.AUDITOR)
    return actor


def acts_in(client: Client, clinic: str) -> bool:
    """Whether the header names it."""
    brand = client.get("/people/roles/").content.decode().partition("shell-brand")[2]
    return clinic in brand.partition("</a>")[0]


def test_choosing_changes_the_clinic_and_the_role_at_once(nurse: Actor) -> None:
    client = pages.client_of(nurse)
    for name, patients in (("First Clinic", 200), ("Second Clinic", 403), ("First Clinic", 200)):
        clinic_id = Membership.objects.get(user_id=nurse.user_id, clinic__name=name).clinic_id
        assert client.post("/people/clinic/", {"clinic": str(clinic_id)})["Location"] == "/"
        assert acts_in(client, name)
        assert client.get("/patients/").status_code == patients


def test_the_menu_offers_it_only_where_there_is_a_choice(nurse: Actor) -> None:
    assert MENU in pages.client_of(nurse).get("/people/roles/").content.decode()
    alone = factories.member(factories.clinic("Third Clinic"), ROLES.NURSE)
    assert MENU not in pages.client_of(alone).get("/people/roles/").content.decode()
    Membership.objects.filter(user_id=nurse.user_id, role=ROLES.AUDITOR).update(ended_at=factories.AT)
    assert MENU not in pages.client_of(nurse).get("/people/roles/").content.decode()


def test_a_clinic_that_is_not_theirs_cannot_be_chosen(nurse: Actor) -> None:
    client = pages.client_of(nurse)
    foreign = factories.clinic("Third Clinic")
    for wanted in (str(foreign.id), str(uuid.uuid4()), "", "nonsense"):
        assert client.post("/people/clinic/", {"clinic": wanted}).status_code == 404
    assert "clinic" not in client.session
    assert "Third Clinic" not in client.get("/people/clinic/").content.decode()


def test_looking_changes_nothing(nurse: Actor) -> None:
    client = pages.client_of(nurse)
    second = Membership.objects.get(user_id=nurse.user_id, role=ROLES.AUDITOR).clinic_id
    page = client.get("/people/clinic/", {"clinic": str(second)})
    assert page.status_code == 200
    assert "clinic" not in client.session
