"""Somebody looks after a patient: let in by a mailed link and a told code, for a time, and no further than granted."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.mail import EmailMessage
from django.test import Client

from accounts.models import Membership
from common.refusals import Refused
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.models import CareGrant, Patient, Phone
from symptoms import services as symptoms_services
from symptoms.models import DoseTaken, SymptomLog
from symptoms.services import NightAnswer
from tests import factories, pages
from tests.memory import event
from tests.phones import MORNING, NIGHT, address, answers, phone_of

pytestmark = pytest.mark.django_db

AT = factories.AT


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def patient() -> Patient:
    made = factories.patient(factories.clinic("First Clinic"), "Child Example")
    factories.prescription(made)
    return made


def carer_of(*patients: Patient, rights: str = "log", **more: object) -> Client:
    """A browser with one carer's secret and a grant for each of the patients."""
    first, secret = factories.carer(patients[0], rights, **more)
    for other in patients[1:]:
        factories.carer(other, rights, user=first.user, **more)
    client = Client()
    client.cookies[settings.CARER_COOKIE_NAME] = secret
    return client


def grant(patient: Patient, by: object, **more: object) -> patients_services.CareOpening:
    values = {
        "name": "Parent Example",
        "email": "parent@test.invalid",
        "relation": "parent",
        "rights": "log",
        "expires_on": MORNING.date() + timedelta(days=30),
        **more,
    }
    return patients_services.grant_care(patient=patient, **values, by=by, at=MORNING)


def text(response: object) -> str:
    return " ".join(response.content.decode().split())


class TestRights:
    def test_a_carer_who_may_log_tells_the_night_and_history_says_who(self, patient: Patient) -> None:
        client = carer_of(patient, name="Parent Example")
        page = text(client.get("/p/"))
        assert "These pages are about <strong>Child Example</strong>" in page
        assert "/p/helpers/" not in page
        assert client.post(address(), answers()).status_code == 302
        log, dose = SymptomLog.objects.get(), DoseTaken.objects.get()
        carer = CareGrant.objects.get().user_id
        assert (log.patient, log.recorded_by_id, dose.recorded_by_id) == (patient, carer, carer)
        saved = event(action="night.save")
        assert (saved.actor_kind, saved.actor_id, saved.patient_ids) == ("carer", carer, [patient.id])
        assert "by Parent Example" in text(phone_of(patient, MORNING).get(address()))

    def test_a_carer_who_may_look_reads_and_writes_nothing(self, patient: Patient) -> None:
        factories.told_night(patient, NIGHT, note="Slept badly after the party")
        client = carer_of(patient, rights="view")
        assert "I took it" not in text(client.get("/p/"))
        page = text(client.get(address()))
        assert "Slept badly after the party" in page
        assert 'method="post"' not in page.split("<main")[1].split("</main>")[0]
        refused = client.post(address(), answers())
        assert (refused.status_code, SymptomLog.objects.get().version) == (403, 1)
        assert "look at these pages, not write" in text(refused)
        assert event(action="portal.night", result="denied").patient_ids == [patient.id]

    def test_the_deed_itself_refuses_who_may_only_look(self, patient: Patient) -> None:
        given, _ = factories.carer(patient, "view")
        by = patients_services.carer_actor(given, request_id=None)
        with pytest.raises(Refused, match="Only the patient"):
            symptoms_services.save_night(
                patient=patient,
                night=NIGHT,
                dose=None,
                answers=NightAnswer(pain=3),
                seen_version=0,
                by=by,
                at=MORNING,
            )

    @pytest.mark.parametrize("path", ["/p/helpers/", "/p/helpers/new/"])
    def test_a_carer_lets_nobody_else_in(self, patient: Patient, path: str) -> None:
        client = carer_of(patient)
        Phone.objects.update(proved_until=MORNING + timedelta(minutes=5))
        assert client.get(path).status_code == 404

    def test_the_chart_wants_the_carers_own_proof(
        self, patient: Patient, mailoutbox: list[EmailMessage], django_capture_on_commit_callbacks: object
    ) -> None:
        client = carer_of(patient, email="helper@test.invalid")
        assert client.get("/p/chart/")["Location"] == "/p/prove/?next=%2Fp%2Fchart%2F"
        with django_capture_on_commit_callbacks(execute=True):
            client.post("/p/prove/", {"next": "/p/chart/"})
        assert mailoutbox[0].to == ["helper@test.invalid"]
        code = re.search(r"\b[0-9]{6}\b", mailoutbox[0].body)[0]
        assert client.post("/p/prove/", {"next": "/p/chart/", "code": code}).status_code == 302
        assert client.get("/p/chart/").status_code == 200


class TestEnd:
    @pytest.mark.parametrize("path", ["/p/", address(), "/p/plan/", "/p/chart/"])
    def test_a_grant_that_is_over_opens_nothing(self, patient: Patient, path: str) -> None:
        client = carer_of(patient, expires_on=MORNING.date())
        assert client.get(path).status_code == 404
        assert "Child Example" not in text(client.get(path))

    def test_it_holds_until_the_end_of_its_last_day_where_the_patient_is(self) -> None:
        there = factories.patient(factories.clinic(), zone_name="Pacific/Auckland")
        client = carer_of(there, expires_on=MORNING.date() + timedelta(days=1))
        with time_machine.travel("2026-03-03T10:59:00+00:00", tick=False):
            assert client.get("/p/").status_code == 200
        with time_machine.travel("2026-03-03T11:00:00+00:00", tick=False):
            assert client.get("/p/").status_code == 404

    def test_one_taken_back_ends_at_once_and_writes_no_more(self, patient: Patient) -> None:
        client, own = carer_of(patient), phone_of(patient, MORNING)
        assert client.get(address()).status_code == 200
        assert "Test Helper can look at these pages" in text(own.get("/p/"))
        given = CareGrant.objects.get()
        assert own.post(f"/p/helpers/{given.id}/end/").status_code == 302
        assert client.get(address()).status_code == 404
        assert client.post(address(), answers(whom=str(given.id))).status_code == 404
        assert not SymptomLog.objects.exists()

    def test_a_carers_phone_that_was_forgotten_is_a_stranger(self, patient: Patient) -> None:
        client = carer_of(patient)
        assert "This phone is forgotten" in text(client.post("/p/leave/"))
        assert client.get("/p/").status_code == 404
        assert Phone.objects.get().revoked_at == MORNING


class TestTwoPatients:
    def test_the_carer_chooses_and_the_clinic_follows(self, patient: Patient) -> None:
        elsewhere = factories.patient(factories.clinic("Second Clinic", phone="111 111"), "Mother Example")
        client = carer_of(patient, elsewhere)
        assert client.get("/p/")["Location"] == "/p/whom/"
        choice = text(client.get("/p/whom/"))
        assert "Child Example" in choice
        assert "Mother Example" in choice
        theirs = CareGrant.objects.get(patient=elsewhere)
        client.post("/p/whom/", {"choice": str(theirs.id)})
        page = client.get("/p/")
        assert "Mother Example" in text(page)
        assert "Second Clinic" in text(page)
        assert "Child Example" not in text(page)
        seen = event(action="portal.tonight")
        assert (seen.clinic_id, seen.patient_ids) == (elsewhere.clinic_id, [elsewhere.id])

    def test_a_form_left_open_writes_to_the_person_it_was_opened_for(self, patient: Patient) -> None:
        sibling = factories.patient(patient.clinic, "Sibling Example")
        client = carer_of(patient, sibling)
        first, second = (CareGrant.objects.get(patient=one) for one in (patient, sibling))
        client.post("/p/whom/", {"choice": str(first.id)})
        form = text(client.get(address()))
        assert f'name="whom" value="{first.id}"' in form
        client.post("/p/whom/", {"choice": str(second.id)})
        assert client.post(address(), answers(whom=str(first.id))).status_code == 302
        assert SymptomLog.objects.get().patient == patient

    @pytest.mark.parametrize("where", ["/p/", "/p/whom/"])
    def test_somebody_elses_grant_is_nobodys(self, patient: Patient, where: str) -> None:
        client = carer_of(patient)
        foreign, _ = factories.carer(factories.patient(factories.clinic("Second Clinic"), "Other Example"))
        if where == "/p/whom/":
            assert client.post(where, {"choice": str(foreign.id)}).status_code == 404
        client.cookies[settings.WHOM_COOKIE_NAME] = str(foreign.id)
        page = client.get("/p/")
        assert page.status_code == 404
        assert "Other Example" not in text(page)

    def test_one_browser_may_be_a_patients_and_a_carers(self, patient: Patient) -> None:
        parent = factories.patient(patient.clinic, "Parent Example")
        client = carer_of(patient)
        client.cookies[settings.PHONE_COOKIE_NAME] = factories.phone(parent, MORNING)[1]
        assert "Child Example" not in text(client.get("/p/"))
        client.post("/p/whom/", {"choice": str(CareGrant.objects.get().id)})
        assert "Child Example" in text(client.get("/p/"))
        client.post("/p/whom/", {"choice": "me"})
        assert "Child Example" not in text(client.get("/p/"))


class TestInvitation:
    def test_looking_changes_nothing_and_the_code_opens_it_once(self, patient: Patient) -> None:
        opening = grant(patient, factories.patient_actor(patient))
        way_in = f"/p/care/{opening.token}/"
        for _ in range(3):
            page = text(Client().get(way_in))
        assert "Child Example" not in page
        assert patient.clinic.name not in page
        assert CareGrant.objects.values_list("tries", "opened_at").get() == (0, None)
        client = Client()
        assert client.post(way_in, {"code": opening.code})["Location"] == "/p/"
        assert "Child Example" in text(client.get("/p/"))
        opened = event(action="care.open")
        assert (opened.actor_kind, opened.patient_ids) == ("carer", [patient.id])
        again = Client().post(way_in, {"code": opening.code})
        assert again.status_code == 404
        assert Phone.objects.count() == 1

    def test_a_phone_that_is_a_carers_already_gets_one_more_person(self, patient: Patient) -> None:
        client = carer_of(factories.patient(factories.clinic("Second Clinic"), "Mother Example"))
        opening = grant(patient, factories.patient_actor(patient))
        client.post(f"/p/care/{opening.token}/", {"code": opening.code})
        assert Phone.objects.count() == 1
        assert len(set(CareGrant.objects.values_list("user_id", flat=True))) == 1
        assert "Child Example" in text(client.get("/p/"))

    def test_five_guesses_close_it(self, patient: Patient) -> None:
        opening = grant(patient, factories.patient_actor(patient))
        wrong = f"{(int(opening.code) + 1) % 1_000_000:06d}"
        statuses = [Client().post(f"/p/care/{opening.token}/", {"code": wrong}).status_code for _ in range(5)]
        assert statuses == [422] * 4 + [404]
        assert Client().post(f"/p/care/{opening.token}/", {"code": opening.code}).status_code == 404
        assert not Phone.objects.exists()

    def test_a_week_ends_it_and_a_newer_one_replaces_it(self, patient: Patient) -> None:
        by = factories.patient_actor(patient)
        older, newer = grant(patient, by), grant(patient, by, email=" Parent@Test.invalid")
        assert Client().get(f"/p/care/{older.token}/").status_code == 404
        assert Client().get(f"/p/care/{newer.token}/").status_code == 200
        with time_machine.travel(MORNING + timedelta(days=7), tick=False):
            assert Client().get(f"/p/care/{newer.token}/").status_code == 404

    def test_neither_the_mail_nor_the_table_says_whom_it_is_about(
        self, patient: Patient, mailoutbox: list[EmailMessage], django_capture_on_commit_callbacks: object
    ) -> None:
        client = phone_of(patient, MORNING)
        typed = {
            "name": "Parent Example",
            "email": "parent@test.invalid",
            "rights": "view",
            "last_day": (MORNING.date() + timedelta(days=10)).isoformat(),
        }
        assert client.post("/p/helpers/new/", typed)["Location"].startswith("/p/prove/")
        Phone.objects.update(proved_until=MORNING + timedelta(minutes=5))
        with django_capture_on_commit_callbacks(execute=True):
            assert client.post("/p/helpers/new/", typed)["Location"] == "/p/helpers/"
        mail = mailoutbox[0]
        said = f"{mail.subject} {mail.body}".casefold()
        for word in ("child", "example", "clinic", "ldn", "naltrexone", "dose", "patient", "health"):
            assert word not in said, word
        code = re.search(r">([0-9]{6})<", text(client.get("/p/helpers/")))[1]
        assert code not in said
        assert not re.search(r">[0-9]{6}<", text(client.get("/p/helpers/")))
        link = re.search(r"/p/care/\S+", mail.body)[0]
        assert Client().post(link, {"code": code}).status_code == 302
        kept = CareGrant.objects.extra(select={"raw": "email || name || token_digest || code_digest"}).get().raw
        for secret in ("parent@test.invalid", "Parent Example", code, link.split("/")[3]):
            assert secret not in kept

    @pytest.mark.parametrize("days", [-1, 366, 4000])
    def test_a_grant_ends_within_a_year(self, patient: Patient, days: int) -> None:
        client = phone_of(patient, MORNING)
        Phone.objects.update(proved_until=MORNING + timedelta(minutes=5))
        last_day = (MORNING.date() + timedelta(days=days)).isoformat()
        typed = {"name": "A", "email": "a@test.invalid", "rights": "log", "last_day": last_day}
        response = client.post("/p/helpers/new/", typed)
        assert response.status_code == 422
        assert "at most a year ahead" in text(response)
        assert not CareGrant.objects.exists()

    def test_the_clinic_lets_somebody_help_and_takes_it_back(
        self, patient: Patient, mailoutbox: list[EmailMessage], django_capture_on_commit_callbacks: object
    ) -> None:
        desk = pages.client_of(factories.member(patient.clinic, Membership.Role.NURSE))
        typed = {
            "name": "Parent Example",
            "email": "parent@test.invalid",
            "relation": "parent",
            "rights": "log",
            "last_day": (MORNING.date() + timedelta(days=10)).isoformat(),
        }
        where = f"/patients/{patient.id}/helpers/"
        with django_capture_on_commit_callbacks(execute=True):
            assert desk.post(where, typed).status_code == 302
        page = text(desk.get(where))
        code = re.search(r">([0-9]{6})<", page)[1]
        assert "Parent Example" in page
        assert code not in text(desk.get(where))
        link = re.search(r"/p/care/\S+", mailoutbox[0].body)[0]
        carer = Client()
        carer.post(link, {"code": code})
        assert carer.get("/p/").status_code == 200
        assert "asked by your clinic" in text(phone_of(patient, MORNING).get("/p/helpers/"))
        desk.post(f"{where}{CareGrant.objects.get().id}/end/")
        assert carer.get("/p/").status_code == 404
        assert event(action="care.revoke").actor_kind == "member"

    def test_visible_to_covers_exactly_that_patient(self, patient: Patient) -> None:
        factories.patient(patient.clinic)
        given, _ = factories.carer(patient)
        by = patients_services.carer_actor(given, request_id=None)
        assert set(patients_selectors.visible_to(by)) == {patient}
        with pytest.raises(Refused):
            grant(patient, by)
