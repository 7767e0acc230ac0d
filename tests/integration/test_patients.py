"""Registering people and letting their phones in."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from accounts.actors import NOBODY
from accounts.models import Membership
from common.refusals import Refused
from patients import secrets, selectors, services
from patients.models import FreshCode, Patient, Phone
from patients.services import ConditionEntry
from tests import factories, memory

AT = factories.AT


@pytest.fixture
def register() -> Callable[..., Patient]:
    by = factories.member(factories.clinic(), Membership.Role.NURSE)

    def make(**more: object) -> Patient:
        values = {
            "name": "Ánn Example",
            "birth_date": date(1980, 2, 29),
            "record_number": "R-1",
            "email": "ann@test.invalid",
            "zone": ZoneInfo("Europe/London"),
            "conditions": [ConditionEntry(code="crohn"), ConditionEntry(code="other", words="Something rare")],
            "medicines": ["Aspirin 75 mg", "Vitamin D"],
            "context_note": "",
            "by": by,
            "at": AT,
        }
        return services.register(**{**values, **more})

    return make


@pytest.mark.django_db
class TestRegister:
    def test_it_keeps_what_was_written_in_order(self, register: Callable[..., Patient]) -> None:
        patient = register()
        assert list(patient.medicines.order_by("position").values_list("words", flat=True)) == [
            "Aspirin 75 mg",
            "Vitamin D",
        ]
        assert list(patient.conditions.order_by("position").values_list("code", "words")) == [
            ("crohn", ""),
            ("other", "Something rare"),
        ]
        assert patient.sort_key == "example ann"
        assert memory.event(action="patient.register").patient_ids == [patient.id]

    def test_a_record_number_is_used_once_a_clinic(self, register: Callable[..., Patient]) -> None:
        register()
        with pytest.raises(Refused, match="already registered"):
            register(name="Other Person")
        elsewhere = factories.member(factories.clinic("Other Clinic"), Membership.Role.NURSE)
        assert register(by=elsewhere)

    def test_an_auditor_may_not(self, register: Callable[..., Patient]) -> None:
        with pytest.raises(Refused, match="may not register"):
            register(by=factories.member(factories.clinic("Third"), Membership.Role.AUDITOR))


@pytest.mark.django_db
class TestVisibleTo:
    def test_members_see_their_clinic_patients_themselves_strangers_nobody(self) -> None:
        clinic = factories.clinic()
        mine, other = factories.patient(clinic), factories.patient(clinic)
        elsewhere = factories.patient(factories.clinic("Other Clinic"))
        assert set(selectors.visible_to(factories.member(clinic))) == {mine, other}
        assert set(selectors.visible_to(factories.patient_actor(mine))) == {mine}
        assert set(selectors.visible_to(factories.member(clinic, Membership.Role.AUDITOR))) == set()
        assert set(selectors.visible_to(NOBODY)) == set()
        assert elsewhere not in selectors.visible_to(factories.member(clinic))

    def test_pages_by_key_meet_every_patient_once_whatever_the_size(self) -> None:
        clinic = factories.clinic()
        by = factories.member(clinic)
        names = [f"Same Name{'x' * (n % 3)}" for n in range(11)]
        everyone = {factories.patient(clinic, name, registered_by_id=by.user_id).id for name in names}
        seen, after = [], ""
        while True:
            page, after = selectors.page_of(by, after=after, size=4)
            seen += [patient.id for patient in page]
            if not after:
                break
        assert len(seen) == len(everyone)
        assert set(seen) == everyone


@pytest.mark.django_db
class TestInvitation:
    def test_it_opens_with_the_date_of_birth_and_is_then_spent(self) -> None:
        patient = factories.patient(factories.clinic())
        opening = services.invite(patient=patient, by=factories.member(patient.clinic), at=AT)
        answer = {"token": opening.token, "birth_date": patient.birth_date, "desk_code": "", "by": NOBODY, "at": AT}
        let_in = services.open_invitation(**answer)
        assert selectors.phone_by_secret(let_in.secret, at=AT) == let_in.phone
        assert let_in.secret not in str(list(Phone.objects.values()))
        with pytest.raises(Refused, match="has been used"):
            services.open_invitation(**answer)

    def test_it_opens_with_the_code_from_the_desk(self) -> None:
        patient = factories.patient(factories.clinic())
        opening = services.invite(patient=patient, by=factories.member(patient.clinic), at=AT)
        assert services.open_invitation(
            token=opening.token, birth_date=None, desk_code=opening.desk_code, by=NOBODY, at=AT
        )

    def test_five_wrong_guesses_close_it_even_for_the_right_answer(self) -> None:
        patient = factories.patient(factories.clinic())
        opening = services.invite(patient=patient, by=factories.member(patient.clinic), at=AT)
        answer = {"token": opening.token, "birth_date": date(1999, 9, 9), "desk_code": "", "by": NOBODY, "at": AT}
        for _ in range(secrets.TRIES):
            services.count_try(token=opening.token, by=NOBODY, at=AT)
            with pytest.raises(Refused, match="does not match"):
                services.open_invitation(**answer)
        services.count_try(token=opening.token, by=NOBODY, at=AT)
        with pytest.raises(Refused, match="send you a new one"):
            services.open_invitation(**{**answer, "birth_date": patient.birth_date})

    def test_a_newer_one_replaces_it_and_two_weeks_end_it(self) -> None:
        patient = factories.patient(factories.clinic())
        by = factories.member(patient.clinic)
        first = services.invite(patient=patient, by=by, at=AT)
        second = services.invite(patient=patient, by=by, at=AT)
        assert selectors.open_invitation(first.token, at=AT) is None
        assert selectors.open_invitation(second.token, at=AT) is not None
        assert selectors.open_invitation(second.token, at=AT + secrets.INVITATION_LASTS) is None

    def test_one_sent_to_a_wrong_address_no_longer_opens(self) -> None:
        patient = factories.patient(factories.clinic())
        by = factories.member(patient.clinic)
        opening = services.invite(patient=patient, by=by, at=AT)
        contact = {"reminders_by_email": True, "log_reminder_at": patient.contact.log_reminder_at, "seen_version": 1}
        services.change_contact(patient=patient, email="right@test.invalid", **contact, by=by, at=AT)
        assert selectors.open_invitation(opening.token, at=AT) is None

    def test_a_forgotten_phone_is_a_stranger(self) -> None:
        patient = factories.patient(factories.clinic())
        phone, secret = factories.phone(patient)
        services.forget_phone(phone=phone, by=factories.patient_actor(patient), at=AT)
        assert selectors.phone_by_secret(secret, at=AT) is None

    def test_a_phone_is_forgotten_after_ninety_days(self) -> None:
        _, secret = factories.phone(factories.patient(factories.clinic()))
        assert selectors.phone_by_secret(secret, at=AT + timedelta(days=89))
        assert selectors.phone_by_secret(secret, at=AT + timedelta(days=90)) is None


@pytest.mark.django_db(transaction=True)
def test_of_two_openings_at_once_one_wins() -> None:
    patient = factories.patient(factories.clinic())
    opening = services.invite(patient=patient, by=factories.member(patient.clinic), at=AT)
    together = Barrier(2)

    def opened() -> bool:
        together.wait()
        try:
            services.open_invitation(token=opening.token, birth_date=patient.birth_date, desk_code="", by=NOBODY, at=AT)
        except Refused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        outcomes = [future.result() for future in [pool.submit(opened), pool.submit(opened)]]
    assert sorted(outcomes) == [False, True]
    assert Phone.objects.count() == 1


@pytest.mark.django_db
class TestFreshCode:
    def test_it_proves_a_phone_once_for_half_an_hour(self) -> None:
        patient = factories.patient(factories.clinic())
        phone, _ = factories.phone(patient)
        by = factories.patient_actor(patient)
        code = services.make_code(phone=phone, by=by, at=AT).code
        services.try_code(phone=phone, typed=code, by=by, at=AT)
        phone.refresh_from_db()
        assert phone.proved_until == AT + secrets.PROOF_LASTS
        with pytest.raises(Refused, match="no longer good"):
            services.try_code(phone=phone, typed=code, by=by, at=AT)

    def test_five_wrong_tries_or_ten_minutes_end_it(self) -> None:
        patient = factories.patient(factories.clinic())
        phone, _ = factories.phone(patient)
        by = factories.patient_actor(patient)
        code = services.make_code(phone=phone, by=by, at=AT).code
        with pytest.raises(Refused, match="no longer good"):
            services.try_code(phone=phone, typed=code, by=by, at=AT + secrets.CODE_LASTS)
        for _ in range(secrets.TRIES):
            with pytest.raises(Refused, match="not the code"):
                services.try_code(phone=phone, typed="not it", by=by, at=AT)
        with pytest.raises(Refused, match="no longer good"):
            services.try_code(phone=phone, typed=code, by=by, at=AT)

    def test_a_fourth_mail_in_a_quarter_of_an_hour_is_refused(self) -> None:
        patient = factories.patient(factories.clinic())
        phone, _ = factories.phone(patient)
        by = factories.patient_actor(patient)
        for _ in range(3):
            services.make_code(phone=phone, by=by, at=AT)
        with pytest.raises(Refused, match="no more go out"):
            services.make_code(phone=phone, by=by, at=AT + timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_tries_at_one_moment_are_no_more_than_tries_one_after_the_other() -> None:
    phone, _ = factories.phone(factories.patient(factories.clinic()))
    by = factories.patient_actor(phone.patient)
    services.make_code(phone=phone, by=by, at=AT)
    at_once = secrets.TRIES + 3

    def answer() -> str:
        try:
            services.try_code(phone=phone, typed="not it", by=by, at=AT)
        except Refused as refusal:
            return refusal.sentence
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(at_once) as pool:
        with transaction.atomic():
            FreshCode.objects.select_for_update().get()
            answers = [pool.submit(answer) for _ in range(at_once)]
            wait_for_locks(at_once)
        said = [future.result() for future in answers]
    assert sum("not the code" in sentence for sentence in said) == secrets.TRIES


def wait_for_locks(waiting: int) -> None:
    """Until so many others wait for a lock that this transaction holds."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() == (waiting,):
                return
        time.sleep(0.05)
    raise AssertionError("Nobody waits.")
