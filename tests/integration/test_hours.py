"""Hours, cover and the urgent route: kept by administrators, read by patients who have just written."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts import selectors as accounts_selectors
from accounts.actors import Actor
from accounts.hours import Contact, Hours, Opening
from accounts.models import Clinic, ClinicHours, Membership, UrgentContact
from accounts.services import hours as hours_services
from accounts.services.hours import Numbers
from common.refusals import Refused
from tests import factories, pages
from tests.memory import events
from tests.phones import EVENING, MORNING, address, answers, phone_of

pytestmark = pytest.mark.django_db
ROLES = Membership.Role
AT = factories.AT


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[Any]:
    pages.stay_signed_in(settings)
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic(phone="020 7946 0000")


@pytest.fixture
def administrator(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.ADMINISTRATOR, "Test Administrator")


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.NURSE, "Test Nurse")


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.PRESCRIBER, "Test Prescriber")


@pytest.fixture
def desk(administrator: Actor) -> Client:
    return pages.client_of(administrator)


def week(**more: str) -> dict[str, str]:
    days = {f"day_{number}": "9:00 to 12:30, 13:30-17:00" for number in range(5)}
    return {**days, "closed": "2026-12-25 2026-12-26", "phone": "020 1", "urgent_phone": "020 2", **more}


class TestTheHoursPage:
    def test_a_week_is_kept_and_shown_again(self, clinic: Clinic, desk: Client) -> None:
        assert desk.post("/hours/keep/", week()).status_code == 302
        known = accounts_selectors.hours_of(clinic.id)
        assert len(known.openings) == 10
        assert known.openings[0] == Opening(0, time(9), time(12, 30))
        assert known.closed == {date(2026, 12, 25), date(2026, 12, 26)}
        page = desk.get("/hours/").content.decode()
        assert "09:00 to 12:30, 13:30 to 17:00" in page
        assert "2026-12-25" in page
        assert 'value="020 2"' in page
        assert desk.post("/hours/keep/", week(day_0="")).status_code == 302
        assert ClinicHours.objects.filter(clinic=clinic, weekday=0).count() == 0

    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("day_1", "nine to five", "are no hours"),
            ("day_1", "25:00 to 26:00", "are no hours"),
            ("day_1", "17:00 to 9:00", "closes later than it opens"),
            ("day_1", "9:00 to 12:00, 11:00 to 17:00", "overlap"),
            ("closed", "Christmas", "is no date"),
            ("phone", "", "telephone is missing"),
        ],
    )
    def test_what_cannot_be_is_said_by_its_field_and_nothing_is_lost(
        self, clinic: Clinic, desk: Client, field: str, typed: str, sentence: str
    ) -> None:
        answer = desk.post("/hours/keep/", week(**{field: typed}))
        assert answer.status_code == 422
        assert sentence in pages.words_of(answer)
        assert typed in answer.content.decode()
        assert not ClinicHours.objects.filter(clinic=clinic).exists()

    def test_only_who_may(self, clinic: Clinic, nurse: Actor) -> None:
        assert pages.client_of(nurse).get("/hours/").status_code == 403
        with pytest.raises(Refused):
            hours_services.keep_hours(hours=Hours(), numbers=Numbers(phone="1", urgent_phone=""), by=nurse, at=AT)

    def test_the_memory_says_that_and_not_what(self, desk: Client) -> None:
        desk.post("/hours/keep/", week())
        assert events(action="clinic.hours")[0].details == {"stretches": 10, "closed": 2}


class TestTheRoute:
    def test_in_its_order(self, clinic: Clinic, desk: Client, nurse: Actor, prescriber: Actor) -> None:
        typed = {
            "who_1": str(prescriber.user_id), "text_1": "+44 (20) 7946 0000", "minutes_1": "10",
            "who_3": str(nurse.user_id), "minutes_3": "",
        }  # fmt: skip
        assert desk.post("/hours/urgent/", typed).status_code == 302
        rows = accounts_selectors.urgent_contacts(clinic.id)
        assert [(row.user_id, row.text_to, row.minutes) for row in rows] == [
            (prescriber.user_id, "+442079460000", 10),
            (nurse.user_id, "", 20),
        ]
        assert desk.post("/hours/urgent/", {}).status_code == 302
        assert not UrgentContact.objects.filter(clinic=clinic).exists()

    def test_what_cannot_be(self, clinic: Clinic, desk: Client, nurse: Actor, administrator: Actor) -> None:
        stranger = factories.member(factories.clinic("Elsewhere"), ROLES.NURSE)
        who = str(nurse.user_id)
        for typed, sentence in (
            ({"who_1": str(stranger.user_id)}, "works here"),
            ({"who_1": str(administrator.user_id)}, "works here"),
            ({"who_1": who, "who_2": who}, "stands above already"),
            ({"who_1": who, "text_1": "020 7946"}, "with its country"),
            ({"who_1": who, "minutes_1": "4"}, "from 5 to 240"),
            ({"who_1": who, "minutes_1": "241"}, "from 5 to 240"),
            ({"text_1": "+442079460000"}, "whose telephone"),
        ):
            answer = desk.post("/hours/urgent/", typed)
            assert answer.status_code == 422, typed
            assert sentence in pages.words_of(answer), typed
        for contact in (Contact(stranger.user_id, 10), Contact(administrator.user_id, 10), Contact(nurse.user_id, 4)):
            with pytest.raises(Refused):
                hours_services.keep_route(route=[contact], by=administrator, at=AT)
        assert not UrgentContact.objects.filter(clinic=clinic).exists()


class TestCover:
    def test_from_a_day_to_a_day(self, clinic: Clinic, desk: Client, nurse: Actor, prescriber: Actor) -> None:
        typed = {
            "away": str(prescriber.user_id), "covers": str(nurse.user_id),
            "first_day": "2026-03-02", "last_day": "2026-03-08",
        }  # fmt: skip
        assert desk.post("/hours/cover/", typed).status_code == 302
        (row,) = accounts_selectors.covers_of(clinic.id, on=AT.date())
        assert (row.from_on, row.until_on) == (date(2026, 3, 2), date(2026, 3, 9))
        assert "Test Nurse covers Test Prescriber" in pages.words_of(desk.get("/hours/"))
        assert accounts_selectors.covers_of(clinic.id, on=date(2026, 3, 9)) == []
        beyond = desk.post("/hours/cover/", {**typed, "last_day": "9999-12-31"})
        assert "Choose a day of the years 1900 to 2299." in pages.words_of(beyond)
        again = desk.post("/hours/cover/", typed)
        assert again.status_code == 422
        assert "covers this colleague on some of these days" in pages.words_of(again)
        desk.post(f"/hours/cover/{row.id}/end/")
        assert accounts_selectors.covers_of(clinic.id, on=AT.date()) == []

    def test_nobody_covers_themself_or_backwards(self, administrator: Actor, nurse: Actor, prescriber: Actor) -> None:
        today = AT.date()
        for away, covers, until in (
            (nurse, nurse, today + timedelta(days=1)),
            (prescriber, nurse, today),
            (prescriber, nurse, today + timedelta(days=400)),
        ):
            with pytest.raises(Refused):
                hours_services.cover(
                    away=away.user_id, covers=covers.user_id, from_on=today, until_on=until, by=administrator, at=AT
                )


class TestWhatThePatientReads:
    def test_after_an_opioid_report_in_the_evening(self, clinic: Clinic, desk: Client, now: Any) -> None:
        desk.post("/hours/keep/", week())
        patient = factories.patient(clinic)
        factories.prescription(patient)
        now.move_to(EVENING)
        phone = phone_of(patient, EVENING)
        phone.post(address(), answers(other_medicines_answer="yes", other_medicines="codeine"))
        said = pages.words_of(phone.get("/p/"))
        assert (
            "Your clinic is closed now. Somebody reads this tomorrow, Tuesday 3 March, from 09:00 clinic time." in said
        )
        assert "Before that call 020 2 if it cannot wait, and your emergency number if it is an emergency." in said
        now.move_to(MORNING + timedelta(hours=2))
        assert "Your clinic is open and reads this today, until 12:30 clinic time." in pages.words_of(phone.get("/p/"))

    def test_without_hours_the_clinics_own_words(self, clinic: Clinic) -> None:
        patient = factories.patient(clinic)
        factories.prescription(patient)
        phone = phone_of(patient, AT)
        phone.post(address(AT.date() - timedelta(days=1)), answers(other_medicines_answer="yes"))
        assert "We read messages on weekdays." in pages.words_of(phone.get("/p/"))


class TestTheFirstWeek:
    """On the page of the next dose, about the night it is for."""

    def page(self, patient: Any, now: Any, days: int) -> str:
        now.move_to(AT + timedelta(days=days))
        return pages.words_of(phone_of(patient, AT + timedelta(days=days)).get("/p/"))

    def test_night_by_night_with_the_warning_signs_one_touch_away(self, clinic: Clinic, now: Any) -> None:
        patient = factories.patient(clinic)
        factories.prescription(patient, start_on=AT.date())
        assert "Night 4 of 7 at this dose" in self.page(patient, now, 3)
        assert "it usually passes" in self.page(patient, now, 3)
        assert "If bad nights go on, tell your clinic" in self.page(patient, now, 7)
        assert "at this dose" not in self.page(patient, now, 14)
        signs = pages.words_of(Client().get("/p/emergency/"))
        assert "yellow skin or eyes, dark urine" in signs
        assert "Warning signs: when to stop" in self.page(patient, now, 1)

    def test_nothing_is_called_expected_while_a_report_is_open(self, clinic: Clinic, now: Any) -> None:
        patient = factories.patient(clinic)
        factories.prescription(patient, start_on=AT.date())
        factories.told_night(patient, AT.date(), other_medicines_answer="yes")
        assert "at this dose" not in self.page(patient, now, 1)
