"""Letting people into a clinic, giving them another role, letting them go: the deeds and their pages."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts import selectors
from accounts.actors import NOBODY, Actor
from accounts.models import Clinic, MemberInvitation, Membership, User
from accounts.services import members
from common import clock, tokens
from common.refusals import Refused
from tests import factories, memory, pages

pytestmark = pytest.mark.django_db

ROLES = Membership.Role
AT = factories.AT
PASSWORD = "nine lives and one long sentence"
FORM = {"name": "New Colleague", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def administrator(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.ADMINISTRATOR, "First Administrator")


@pytest.fixture
def outbox(mailoutbox: list[Any], django_capture_on_commit_callbacks: Any) -> Callable[..., list[Any]]:
    """Does something whose mail goes once it stands, and returns all mails."""

    def after(deed: Callable[[], Any]) -> list[Any]:
        with django_capture_on_commit_callbacks(execute=True):
            deed()
        return mailoutbox

    return after


def membership(actor: Actor) -> Membership:
    return Membership.objects.get(user_id=actor.user_id, clinic_id=actor.clinic_id, ended_at=None)


def invited(by: Actor, address: str = "new@test.invalid", role: str = ROLES.NURSE, at: Any = None) -> members.Opening:
    return members.invite(address=address, role=role, by=by, at=at or clock.now())


def link_in(mail: Any) -> str:
    found = re.search(r"http://localhost:\d+(/join/\S+)", mail.body)
    assert found, mail.body
    return found.group(1)


class TestInviting:
    def test_the_mail_leads_a_new_person_into_the_clinic(
        self, administrator: Actor, outbox: Callable[..., list[Any]]
    ) -> None:
        form = {"address": "New@Test.invalid", "role": "nurse"}
        (mail,) = outbox(lambda: pages.client_of(administrator).post("/people/invite/", form))
        assert mail.to == ["new@test.invalid"]
        link, browser = link_in(mail), Client()
        assert "Nurse" in browser.get(link).content.decode()
        answer = browser.post(link, FORM)
        assert answer.status_code == 302
        user = User.objects.get(username="new@test.invalid")
        assert (user.name, user.check_password(PASSWORD)) == ("New Colleague", True)
        assert (
            membership(Actor(kind="member", clinic_id=administrator.clinic_id, label="", user_id=user.id)).role
            == "nurse"
        )
        assert browser.session["_auth_user_id"] == str(user.id)

    @pytest.mark.parametrize("role", [ROLES.ADMINISTRATOR, ROLES.PRINCIPAL])
    def test_the_other_administrators_are_told_of_another_one(
        self, clinic: Clinic, administrator: Actor, outbox: Callable[..., list[Any]], role: str
    ) -> None:
        other = factories.member(clinic, ROLES.ADMINISTRATOR, "Second Administrator")
        factories.member(clinic, ROLES.NURSE)
        factories.member(factories.clinic("Other Clinic"), ROLES.ADMINISTRATOR)
        client = pages.client_of(administrator)
        mails = outbox(lambda: client.post("/people/invite/", {"address": "second-self@test.invalid", "role": role}))
        told = User.objects.get(id=other.user_id).username
        assert sorted(mail.to[0] for mail in mails) == sorted([told, "second-self@test.invalid"])
        (news,) = [mail for mail in mails if mail.to == [told]]
        assert "First Administrator" in news.body
        assert "second-self@test.invalid" in news.body
        assert "/join/" not in news.body

    def test_of_a_nurse_nobody_else_is_told(
        self, clinic: Clinic, administrator: Actor, outbox: Callable[..., list[Any]]
    ) -> None:
        factories.member(clinic, ROLES.ADMINISTRATOR)
        client = pages.client_of(administrator)
        mails = outbox(lambda: client.post("/people/invite/", {"address": "new@test.invalid", "role": "nurse"}))
        assert [mail.to for mail in mails] == [["new@test.invalid"]]

    def test_looking_changes_nothing_and_taking_it_spends_it(self, administrator: Actor) -> None:
        link = f"/join/{invited(administrator).token}/"
        for _ in range(5):
            assert Client().get(link).status_code == 200
            assert Client().head(link).status_code == 200
        assert not memory.events(action="membership.accept")
        assert Client().post(link, FORM).status_code == 302
        assert Client().get(link).status_code == 404
        assert Client().post(link, {**FORM, "name": "Somebody Else"}).status_code == 404
        assert User.objects.filter(username="new@test.invalid").count() == 1

    def test_only_the_digest_of_its_secret_is_kept(self, administrator: Actor) -> None:
        opening = invited(administrator)
        row = str(MemberInvitation.objects.filter(id=opening.invitation.id).values().get())
        assert opening.token not in row
        assert tokens.digest(opening.token) in row

    def test_the_address_is_sealed_in_its_column(self, administrator: Actor) -> None:
        invited(administrator)
        with connection.cursor() as cursor:
            cursor.execute("SELECT address FROM accounts_memberinvitation")
            assert "test.invalid" not in cursor.fetchone()[0]

    @pytest.mark.parametrize(("days", "opens"), [(6.99, True), (7, False)])
    def test_it_opens_for_seven_days(self, administrator: Actor, days: float, opens: bool) -> None:
        opening = invited(administrator, at=AT)
        assert (selectors.invitation_by_token(opening.token, at=AT + timedelta(days=days)) is not None) is opens

    def test_sent_again_the_old_link_is_closed(self, administrator: Actor, outbox: Callable[..., list[Any]]) -> None:
        first = invited(administrator)
        again = f"/people/invitations/{first.invitation.id}/again/"
        (mail,) = outbox(lambda: pages.client_of(administrator).post(again))
        assert Client().get(f"/join/{first.token}/").status_code == 404
        assert Client().get(link_in(mail)).status_code == 200

    def test_withdrawn_it_opens_nothing(self, administrator: Actor) -> None:
        opening = invited(administrator)
        client = pages.client_of(administrator)
        assert client.post(f"/people/invitations/{opening.invitation.id}/withdraw/").status_code == 302
        assert Client().get(f"/join/{opening.token}/").status_code == 404
        assert client.post(f"/people/invitations/{opening.invitation.id}/withdraw/").status_code == 404

    def test_a_second_invitation_to_an_address_replaces_the_first(self, administrator: Actor) -> None:
        first, second = invited(administrator), invited(administrator, role=ROLES.STAFF)
        assert selectors.invitation_by_token(first.token, at=clock.now()) is None
        assert selectors.invitation_by_token(second.token, at=clock.now()).role == ROLES.STAFF

    def test_who_works_here_already_is_not_invited(self, administrator: Actor, clinic: Clinic) -> None:
        nurse = factories.member(clinic, ROLES.NURSE)
        address = User.objects.get(id=nurse.user_id).username
        answer = pages.client_of(administrator).post("/people/invite/", {"address": address, "role": "staff"})
        assert answer.status_code == 422
        assert "works in your clinic already" in answer.content.decode()
        assert address in answer.content.decode()


class TestAccepting:
    @pytest.mark.parametrize(
        ("password", "again", "sentence"),
        [
            ("too short", "too short", "at least 15"),
            (PASSWORD, PASSWORD + "!", "The two passwords differ."),
            ("123456789987654321", "123456789987654321", "too common"),
            ("", "", "The password is missing."),
        ],
    )
    def test_a_poor_password_is_refused_and_the_name_kept(
        self, administrator: Actor, password: str, again: str, sentence: str
    ) -> None:
        link = f"/join/{invited(administrator).token}/"
        answer = Client().post(link, {"name": "New Colleague", "password": password, "again": again})
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert "New Colleague" in answer.content.decode()
        assert Client().get(link).status_code == 200

    def test_who_has_an_account_signs_in_and_gains_a_second_clinic(self, administrator: Actor) -> None:
        elsewhere = factories.member(factories.clinic("Other Clinic"), ROLES.NURSE)
        user = User.objects.get(id=elsewhere.user_id)
        link = f"/join/{invited(administrator, user.username).token}/"
        stranger = Client().get(link).content.decode()
        assert f"/accounts/login/?next={link}" in stranger
        assert 'name="password"' not in stranger
        assert Client().post(link, FORM).status_code == 422
        client = pages.client_of(elsewhere)
        assert client.post(link).status_code == 302
        assert client.session["clinic"] == str(administrator.clinic_id)
        assert {row.clinic_id for row in user.memberships.filter(ended_at=None)} == {
            elsewhere.clinic_id,
            administrator.clinic_id,
        }

    def test_a_password_alone_accepts_nothing(self, administrator: Actor) -> None:
        elsewhere = factories.member(factories.clinic("Other Clinic"), ROLES.NURSE)
        user = User.objects.get(id=elsewhere.user_id)
        link = f"/join/{invited(administrator, user.username).token}/"
        client = pages.new_client()
        client.force_login(user)
        assert client.post(link)["Location"] == "/accounts/factors/webauthn/add/"
        assert user.memberships.filter(ended_at=None).count() == 1

    def test_the_history_names_who_accepted(self, administrator: Actor) -> None:
        by_link = members.accept_as_new(
            token=invited(administrator).token, name="New", password=PASSWORD, by=NOBODY, at=clock.now()
        )
        elsewhere = factories.member(factories.clinic("Other Clinic"), ROLES.NURSE)
        client = pages.client_of(elsewhere)
        name = User.objects.get(id=elsewhere.user_id).username
        client.post(f"/join/{invited(administrator, name).token}/")
        for user_id in (by_link.id, elsewhere.user_id):
            given = Membership.objects.get(user_id=user_id, clinic_id=administrator.clinic_id)
            assert [version.by_id for version in given.events.all()] == [user_id]

    def test_another_account_cannot_take_it(self, administrator: Actor) -> None:
        other = factories.member(factories.clinic("Other Clinic"), ROLES.NURSE)
        known = User.objects.get(id=factories.member(factories.clinic("Third"), ROLES.NURSE).user_id)
        for address in ("new@test.invalid", known.username):
            link = f"/join/{invited(administrator, address).token}/"
            client = pages.client_of(other)
            assert "for another address" in client.get(link).content.decode()
            assert client.post(link, FORM).status_code == 422
            with pytest.raises(Refused):
                members.accept(
                    token=link.split("/")[2], user=User.objects.get(id=other.user_id), by=NOBODY, at=clock.now()
                )
        assert not memory.events(action="membership.accept")

    def test_a_person_who_left_may_be_invited_again_and_their_past_stays(
        self, administrator: Actor, clinic: Clinic
    ) -> None:
        nurse = factories.member(clinic, ROLES.NURSE)
        user = User.objects.get(id=nurse.user_id)
        members.end(membership_id=membership(nurse).id, by=administrator, at=clock.now())
        opening = invited(administrator, user.username, ROLES.STAFF)
        members.accept(token=opening.token, user=user, by=NOBODY, at=clock.now())
        assert [row.role for row in user.memberships.order_by("began_at")] == [ROLES.STAFF, ROLES.NURSE]
        assert [row.role for row in selectors.earlier_roles(membership(nurse))] == [ROLES.NURSE]


class TestRoles:
    def test_a_new_role_holds_at_once_and_ends_the_sessions(self, administrator: Actor, clinic: Clinic) -> None:
        nurse = factories.member(clinic, ROLES.NURSE)
        browsers = [pages.client_of(nurse), pages.client_of(nurse)]
        assert all(browser.get("/patients/").status_code == 200 for browser in browsers)
        before = membership(nurse)
        answer = pages.client_of(administrator).post(f"/people/{before.id}/", {"role": "auditor"})
        assert answer.status_code == 302
        for browser in browsers:
            assert browser.get("/patients/")["Location"].startswith("/accounts/login/")
        assert pages.client_of(nurse).get("/patients/").status_code == 403
        assert memory.event(action="membership.role").details == {"from": "nurse", "to": "auditor"}
        assert memory.event(action="session.end").subject_id == nurse.user_id
        before.refresh_from_db()
        assert before.role == ROLES.NURSE
        assert before.ended_at is not None

    def test_who_is_let_go_opens_nothing_any_more(self, administrator: Actor, clinic: Clinic) -> None:
        nurse = factories.member(clinic, ROLES.NURSE)
        browser = pages.client_of(nurse)
        assert browser.get("/patients/").status_code == 200
        client = pages.client_of(administrator)
        address = f"/people/{membership(nurse).id}/end/"
        assert client.post(address).status_code == 302
        assert browser.get("/patients/").status_code == 302
        assert pages.client_of(nurse).get("/patients/").status_code == 404
        assert client.post(address).status_code == 404
        assert memory.event(action="membership.end").subject_id == nurse.user_id

    def test_the_same_role_again_changes_nothing(self, administrator: Actor, clinic: Clinic) -> None:
        nurse = factories.member(clinic, ROLES.NURSE)
        browser = pages.client_of(nurse)
        pages.client_of(administrator).post(f"/people/{membership(nurse).id}/", {"role": "nurse"})
        assert browser.get("/patients/").status_code == 200
        assert not memory.events(action="membership.role")

    @pytest.mark.parametrize("role", [ROLES.ADMINISTRATOR, ROLES.PRINCIPAL])
    def test_the_last_who_may_manage_members_stays(self, clinic: Clinic, role: str) -> None:
        last = factories.member(clinic, role)
        answer = pages.client_of(last).post(f"/people/{membership(last).id}/end/")
        assert answer.status_code == 409
        assert "last administrator" in answer.content.decode()
        assert membership(last).role == role

    def test_a_deactivated_administrator_does_not_count(self, clinic: Clinic, administrator: Actor) -> None:
        other = factories.member(clinic, ROLES.ADMINISTRATOR)
        User.objects.filter(id=other.user_id).update(is_active=False)
        with pytest.raises(Refused, match="last administrator"):
            members.end(membership_id=membership(administrator).id, by=administrator, at=AT)

    def test_nobody_changes_their_own_role(self, clinic: Clinic, administrator: Actor) -> None:
        factories.member(clinic, ROLES.ADMINISTRATOR)
        address = f"/people/{membership(administrator).id}/"
        answer = pages.client_of(administrator).post(address, {"role": "principal"})
        assert answer.status_code == 409
        assert "Nobody changes their own role" in answer.content.decode()

    def test_one_of_two_administrators_may_leave(self, clinic: Clinic, administrator: Actor) -> None:
        factories.member(clinic, ROLES.ADMINISTRATOR)
        client = pages.client_of(administrator)
        assert client.post(f"/people/{membership(administrator).id}/end/").status_code == 302
        assert client.get("/people/").status_code == 302

    def test_a_role_that_is_none_is_refused(self, clinic: Clinic, administrator: Actor) -> None:
        nurse = factories.member(clinic, ROLES.NURSE)
        answer = pages.client_of(administrator).post(f"/people/{membership(nurse).id}/", {"role": "owner"})
        assert answer.status_code == 422
        assert membership(nurse).role == ROLES.NURSE


@pytest.mark.parametrize("role", [ROLES.PRESCRIBER, ROLES.NURSE, ROLES.STAFF, ROLES.AUDITOR])
def test_no_other_role_does_any_of_it(clinic: Clinic, administrator: Actor, role: str) -> None:
    by = factories.member(clinic, role)
    opening, nurse = invited(administrator), factories.member(clinic, ROLES.NURSE)
    deeds: list[Callable[[], Any]] = [
        lambda: invited(by, "other@test.invalid"),
        lambda: members.invite_again(invitation=opening.invitation, by=by, at=AT),
        lambda: members.withdraw(invitation=opening.invitation, by=by, at=AT),
        lambda: members.change_role(membership_id=membership(nurse).id, role=ROLES.STAFF, by=by, at=AT),
        lambda: members.end(membership_id=membership(nurse).id, by=by, at=AT),
    ]
    for deed in deeds:
        with pytest.raises(Refused, match="may not manage members"):
            deed()


def test_another_clinics_administrator_reaches_nobody_here(clinic: Clinic, administrator: Actor) -> None:
    foreign = factories.member(factories.clinic("Other Clinic"), ROLES.ADMINISTRATOR)
    nurse, opening = factories.member(clinic, ROLES.NURSE), invited(administrator)
    deeds: list[Callable[[], Any]] = [
        lambda: members.withdraw(invitation=opening.invitation, by=foreign, at=AT),
        lambda: members.change_role(membership_id=membership(nurse).id, role=ROLES.STAFF, by=foreign, at=AT),
        lambda: members.end(membership_id=membership(nurse).id, by=foreign, at=AT),
    ]
    for deed in deeds:
        with pytest.raises(Refused):
            deed()
    assert membership(nurse).role == ROLES.NURSE
    page = pages.client_of(foreign).get("/people/").content.decode()
    assert "new@test.invalid" not in page
    assert "First Administrator" not in page


class TestTheFirstPerson:
    VALUES = {"zone": "Europe/London", "phone": "000 000"}

    def found(self, *, role: str = "administrator", name: str = "New Clinic") -> str:
        from io import StringIO

        said = StringIO()
        call_command("clinic_new", name, "First@Test.invalid", role=role, stdout=said, **self.VALUES)
        return said.getvalue()

    def test_a_new_clinic_is_joined_by_the_link(self, mailoutbox: list[Any]) -> None:
        said = self.found(role="principal")
        link = link_in(mailoutbox[0])
        assert link in said
        browser = Client()
        assert browser.post(link, FORM).status_code == 302
        row = Membership.objects.get(clinic__name="New Clinic")
        assert (row.role, row.user.username) == (ROLES.PRINCIPAL, "first@test.invalid")

    def test_nobody_joined_yet_gets_a_new_link_and_no_second_clinic(self, mailoutbox: list[Any]) -> None:
        self.found()
        self.found()
        old, new = (link_in(mail) for mail in mailoutbox)
        assert Clinic.objects.filter(name="New Clinic").count() == 1
        assert (Client().get(old).status_code, Client().get(new).status_code) == (404, 200)

    def test_a_clinic_with_people_invites_its_own(self, mailoutbox: list[Any]) -> None:
        self.found()
        Client().post(link_in(mailoutbox[0]), FORM)
        with pytest.raises(CommandError, match="people work in it"):
            self.found()

    def test_what_is_no_zone_or_address_is_said(self) -> None:
        with pytest.raises(CommandError, match="time zone"):
            call_command("clinic_new", "X", "a@test.invalid", zone="Nowhere", phone="0")
        with pytest.raises(CommandError, match="e-mail"):
            call_command("clinic_new", "X", "nonsense", zone="Europe/London", phone="0")


def _race(*deeds: Callable[[], Any]) -> list[bool]:
    """Do them at once, each on a connection of its own; which of them were not refused."""
    together = Barrier(len(deeds))

    def one(deed: Callable[[], Any]) -> bool:
        together.wait()
        try:
            deed()
        except Refused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [future.result() for future in [pool.submit(one, deed) for deed in deeds]]


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.mark.parametrize("round_number", range(5))
    def test_two_administrators_who_demote_each_other(self, round_number: int) -> None:
        clinic = factories.clinic()
        a, b = (factories.member(clinic, ROLES.ADMINISTRATOR, name) for name in ("A", "B"))
        rows = {actor.label: membership(actor).id for actor in (a, b)}
        outcomes = _race(
            lambda: members.change_role(membership_id=rows["B"], role=ROLES.NURSE, by=a, at=AT),
            lambda: members.change_role(membership_id=rows["A"], role=ROLES.NURSE, by=b, at=AT),
        )
        assert sorted(outcomes) == [False, True]
        assert selectors.administrators_of(clinic.id).count() == 1

    def test_two_administrators_who_leave_together(self) -> None:
        clinic = factories.clinic()
        a, b = (factories.member(clinic, ROLES.ADMINISTRATOR) for _ in range(2))
        ids = [membership(actor).id for actor in (a, b)]
        outcomes = _race(
            lambda: members.end(membership_id=ids[0], by=a, at=AT),
            lambda: members.end(membership_id=ids[1], by=b, at=AT),
        )
        assert sorted(outcomes) == [False, True]
        assert selectors.administrators_of(clinic.id).count() == 1

    def test_of_two_who_take_one_invitation_one_wins(self) -> None:
        token = invited(factories.member(factories.clinic(), ROLES.ADMINISTRATOR)).token
        at = clock.now()
        outcomes = _race(
            *(
                lambda name=name: members.accept_as_new(token=token, name=name, password=PASSWORD, by=NOBODY, at=at)
                for name in ("One", "Two")
            )
        )
        assert sorted(outcomes) == [False, True]
        assert Membership.objects.filter(role=ROLES.NURSE).count() == 1

    @pytest.mark.parametrize("round_number", range(5))
    def test_an_invitation_withdrawn_while_it_is_taken_is_one_or_the_other(self, round_number: int) -> None:
        administrator = factories.member(factories.clinic(), ROLES.ADMINISTRATOR)
        opening, at = invited(administrator), clock.now()
        outcomes = _race(
            lambda: members.accept_as_new(token=opening.token, name="N", password=PASSWORD, by=NOBODY, at=at),
            lambda: members.withdraw(invitation=opening.invitation, by=administrator, at=at),
        )
        assert sorted(outcomes) == [False, True]


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_refuses_is_said_and_the_invitation_can_be_sent_again(settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", 9
    client = pages.client_of(factories.member(factories.clinic(), ROLES.ADMINISTRATOR))
    client.post("/people/invite/", {"address": "new@test.invalid", "role": "nurse"})
    page = client.get("/people/").content.decode()
    assert "The invitation was not sent" in page
    assert "the mail server did not take it" in page
    assert "Send again" in page


@pytest.mark.django_db(transaction=True)
def test_an_invitation_that_went_out_says_until_when_it_opens() -> None:
    client = pages.client_of(factories.member(factories.clinic(), ROLES.ADMINISTRATOR))
    client.post("/people/invite/", {"address": "new@test.invalid", "role": "nurse"})
    page = client.get("/people/").content.decode()
    assert "The invitation is on its way." in page
    assert "opens until" in page
