"""A procedure on record: the plan pauses in time, nobody restarts too early, and the patient is asked each day."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import time_machine
from django.db import ProgrammingError, transaction
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.night import Slot
from common.refusals import Refused, Stale
from patients.models import Patient
from tests import factories, memory, pages
from tests.pages import words_of
from tests.phones import phone_of
from titration.engine.course import ChangeTime, Pause, Restart, Resume, Supersede
from titration.models import Finding, PlanChange, Prescription, Procedure, ProcedureDay
from titration.selectors import cases
from titration.selectors import courses as courses_selectors
from titration.selectors import procedures as procedures_selectors
from titration.services import courses, findings, procedures, rules

AT = factories.AT
TODAY = AT.date()
ON = date(2026, 3, 16)
LAST = date(2026, 3, 12)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[None]:
    pages.stay_signed_in(settings)
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture
def course(patient: Patient, prescriber: Actor) -> Prescription:
    return factories.prescription(patient, by=prescriber)


def asked(**more: Any) -> procedures.Asked:
    values = {"on": ON, "time": time(8), "words": "Knee operation", "opioids_expected": "yes", **more}
    return procedures.Asked(**values)


def enter(patient: Patient, by: Actor, *, at: datetime = AT, **more: Any) -> Procedure:
    return procedures.enter(patient=patient, asked=asked(**more), by=by, at=at)


def pauses(course: Prescription) -> list[date]:
    """The first days of the pauses in force."""
    return [step.from_on for step in course.steps.filter(state="paused").order_by("from_on")]


def at_day(on: date, hour: int = 10) -> datetime:
    return AT.replace(year=on.year, month=on.month, day=on.day, hour=hour)


class TestEntering:
    def test_the_plan_pauses_after_the_last_dose_that_is_early_enough(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        found = enter(patient, prescriber)
        assert (found.last_dose_on, found.no_dose_from_on) == (LAST, LAST + timedelta(days=1))
        assert pauses(course) == [LAST + timedelta(days=1)]
        change = PlanChange.objects.get(prescription=course)
        assert (change.kind, change.cause, change.days) == ("pause", "procedure", None)
        assert {"procedure.enter", "course.pause"} <= {event.action for event in memory.events()}

    def test_a_nurse_may_and_staff_may_not(self, clinic: Clinic, patient: Patient, course: Prescription) -> None:
        with pytest.raises(Refused, match="may not hold"):
            enter(patient, factories.member(clinic, Membership.Role.STAFF))
        enter(patient, factories.member(clinic, Membership.Role.NURSE))
        assert pauses(course) == [LAST + timedelta(days=1)]

    def test_tomorrows_procedure_pauses_from_the_next_dose(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        found = enter(patient, prescriber, on=TODAY + timedelta(days=1))
        assert (found.no_dose_from_on, found.in_time) == (TODAY, True), "no dose was planned before today"
        assert pauses(course) == [TODAY]

    def test_one_that_comes_too_soon_after_a_dose_says_so(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        later = at_day(TODAY + timedelta(days=5))
        found = enter(patient, prescriber, on=TODAY + timedelta(days=6), at=later)
        assert (found.last_dose_on, found.in_time) == (TODAY + timedelta(days=4), False)

    def test_without_a_plan_it_is_on_record_and_no_plan_is_signed_over_it(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        assert enter(patient, prescriber).no_dose_from_on is None
        with pytest.raises(Refused, match="A procedure on 16 March 2026 is on record"):
            factories.prescription(patient, by=prescriber)

    def test_a_plan_that_waits_for_its_medicine_does_not_begin_over_it(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        waiting = factories.prescription(patient, by=prescriber, awaiting=True)
        enter(patient, prescriber)
        with pytest.raises(Refused, match="Not yet"):
            courses.begin(prescription_id=waiting.id, on=TODAY, seen_version=None, by=prescriber, at=AT)

    def test_two_are_paused_for_at_the_sooner(self, patient: Patient, course: Prescription, prescriber: Actor) -> None:
        enter(patient, prescriber, on=ON + timedelta(days=7))
        enter(patient, prescriber)
        assert pauses(course) == [LAST + timedelta(days=1)]

    def test_a_pause_until_somebody_restarts_is_enough(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        courses.change(
            prescription_id=course.id, change=Pause(TODAY, None), reason="x", seen_version=1, by=prescriber, at=AT
        )
        enter(patient, prescriber)
        assert pauses(course) == [TODAY]

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ({"on": TODAY - timedelta(days=31)}, "at most a month ago"),
            ({"on": TODAY + timedelta(days=733)}, "at most two years ahead"),
            ({"words": " "}, "what kind"),
            ({"opioids_expected": "perhaps"}, "whether opioids are expected"),
            ({"hours": 24}, "48 to 96 hours"),
        ],
    )
    def test_what_cannot_be_is_refused_and_leaves_nothing(
        self, patient: Patient, course: Prescription, prescriber: Actor, more: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(Refused, match=sentence), transaction.atomic():
            enter(patient, prescriber, **more)
        assert not Procedure.objects.filter(patient=patient).exists()
        assert pauses(course) == []

    def test_a_stranger_enters_nothing(self, patient: Patient, course: Prescription) -> None:
        with pytest.raises(Refused, match="No patient of yours"):
            enter(patient, factories.member(factories.clinic("Another Clinic")))


class TestMovingAndCancelling:
    def test_the_pause_moves_with_the_day(self, patient: Patient, course: Prescription, prescriber: Actor) -> None:
        found = enter(patient, prescriber)
        for days in (14, -3):
            on = ON + timedelta(days=days)
            found = procedures.move(
                procedure_id=found.id, asked=asked(on=on), seen_version=found.version, by=prescriber, at=AT
            )
            assert pauses(course) == [on - timedelta(days=3)]
            assert found.no_dose_from_on == on - timedelta(days=3)

    def test_a_pause_that_has_begun_goes_on(self, patient: Patient, course: Prescription, prescriber: Actor) -> None:
        found = enter(patient, prescriber)
        later = at_day(ON - timedelta(days=1))
        procedures.move(
            procedure_id=found.id, asked=asked(on=ON + timedelta(days=9)), seen_version=1, by=prescriber, at=later
        )
        assert pauses(course) == [LAST + timedelta(days=1)]

    def test_cancelled_in_time_the_plan_goes_on(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        found = enter(patient, prescriber)
        procedures.cancel(procedure_id=found.id, reason="Put off", seen_version=1, by=prescriber, at=AT)
        assert pauses(course) == []
        assert courses_selectors.tonight(patient, at=AT).dose is not None

    def test_the_rules_see_it_until_it_is_closed(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        found = enter(patient, prescriber)
        (known,) = cases.case_of(patient, at=AT).case.procedures
        assert (known.on, known.entered_on, known.closed_on) == (ON, TODAY, None)
        procedures.cancel(procedure_id=found.id, reason="Put off", seen_version=1, by=prescriber, at=AT)
        (known,) = cases.case_of(patient, at=AT).case.procedures
        assert known.closed_on == TODAY

    def test_two_who_decide_on_one_version(self, patient: Patient, course: Prescription, prescriber: Actor) -> None:
        found = enter(patient, prescriber)
        procedures.cancel(procedure_id=found.id, reason="Put off", seen_version=1, by=prescriber, at=AT)
        with pytest.raises(Stale):
            procedures.cancel(procedure_id=found.id, reason="Put off", seen_version=1, by=prescriber, at=AT)
        with pytest.raises(Refused, match="closed already"):
            procedures.cancel(procedure_id=found.id, reason="Put off", seen_version=2, by=prescriber, at=AT)


class TestNotYet:
    @pytest.fixture
    def operated(self, patient: Patient, course: Prescription, prescriber: Actor) -> Procedure:
        return enter(patient, prescriber)

    def signed(self, course: Prescription, change: Any, by: Actor, at: datetime) -> None:
        course.refresh_from_db()
        courses.change(prescription_id=course.id, change=change, reason="x", seen_version=course.version, by=by, at=at)

    def test_no_pause_of_a_procedure_is_resumed_restarted_or_taken_back(
        self, course: Prescription, operated: Procedure, prescriber: Actor
    ) -> None:
        before, day_after = at_day(LAST + timedelta(days=2)), at_day(ON + timedelta(days=1))
        for at in (before, day_after):
            for change in (Resume(at.date()), Restart(at.date())):
                with pytest.raises(Refused, match="Not yet"), transaction.atomic():
                    self.signed(course, change, prescriber, at)
        with pytest.raises(Refused, match="Move or cancel the procedure"), transaction.atomic():
            self.signed(course, Supersede(0), prescriber, AT)

    def test_the_patient_is_asked_each_day_and_the_free_days_are_counted(
        self, patient: Patient, operated: Procedure, prescriber: Actor
    ) -> None:
        told = [True, True, False, False, False]
        for passed, opioid in enumerate(told):
            procedures.tell_day(
                patient=patient,
                opioid=opioid,
                by=factories.patient_actor(patient),
                at=at_day(ON + timedelta(days=passed)),
            )
        assert self.free_since(operated, at_day(ON + timedelta(days=4))) == ON + timedelta(days=2)
        with pytest.raises(ProgrammingError), transaction.atomic():
            ProcedureDay.objects.filter(procedure=operated).update(opioid=False)

    @staticmethod
    def free_since(operated: Procedure, at: datetime) -> date | None:
        """The first opioid-free day on record, in which the rules agree."""
        operated.refresh_from_db()
        told = procedures_selectors.told_days([operated])[operated.id]
        since = procedures_selectors.after(operated, told, today=at.date()).since_on
        (known,) = cases.case_of(operated.patient, at=at).case.procedures
        assert known.opioid_free_since_on == since
        return since

    def tell(self, patient: Patient, on: date) -> None:
        procedures.tell_day(patient=patient, opioid=False, by=factories.patient_actor(patient), at=at_day(on))

    def test_days_of_silence_are_no_opioid_free_days(
        self, patient: Patient, operated: Procedure, prescriber: Actor
    ) -> None:
        self.tell(patient, ON)
        assert self.free_since(operated, at_day(ON)) == self.free_since(operated, at_day(ON + timedelta(days=1))) == ON
        later = at_day(ON + timedelta(days=10))
        assert self.free_since(operated, later) is None
        findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=later)
        assert Finding.objects.get(patient=patient, rule="R16", over_at=None).part == "not yet"
        with time_machine.travel(later, tick=False):
            page = pages.client_of(prescriber).get(reverse("desk:procedure", args=[operated.id]))
        assert "days are over" not in words_of(page)
        assert "Since when no opioid is taken is not known up to now." in words_of(page)
        assert page.context["finishing"].initial["since_on"] is None

    def test_days_before_the_day_it_was_moved_to_are_no_opioid_free_days(
        self, patient: Patient, operated: Procedure, prescriber: Actor
    ) -> None:
        self.tell(patient, ON)
        moved_to = ON + timedelta(days=14)
        operated.refresh_from_db()
        procedures.move(
            procedure_id=operated.id,
            asked=asked(on=moved_to),
            seen_version=operated.version,
            by=prescriber,
            at=at_day(ON),
        )
        assert self.free_since(operated, at_day(moved_to)) is None
        self.tell(patient, moved_to)
        assert self.free_since(operated, at_day(moved_to)) == moved_to

    def test_a_first_day_before_the_procedure_is_refused(self, operated: Procedure, prescriber: Actor) -> None:
        with pytest.raises(Refused, match="days before it do not count"):
            procedures.finish(
                procedure_id=operated.id,
                over=self.over(since_on=ON - timedelta(days=1)),
                seen_version=1,
                by=prescriber,
                at=at_day(ON + timedelta(days=20)),
            )

    def test_before_the_day_nothing_is_asked(self, patient: Patient, operated: Procedure) -> None:
        with pytest.raises(Refused, match="no procedure of the last days"):
            procedures.tell_day(patient=patient, opioid=False, by=factories.patient_actor(patient), at=AT)

    def over(self, **more: Any) -> procedures.Over:
        return procedures.Over(**{"opioids_taken": True, "since_on": ON + timedelta(days=3), **more})

    def test_a_short_course_waits_ten_days_then_a_restart_is_built_up_again(
        self, course: Prescription, operated: Procedure, prescriber: Actor
    ) -> None:
        free_on = ON + timedelta(days=13)
        finish = {"procedure_id": operated.id, "seen_version": 1, "by": prescriber}
        with pytest.raises(Refused, match="Not yet: 10 opioid-free days are over on 29 March 2026"):
            procedures.finish(over=self.over(), at=at_day(free_on - timedelta(days=1)), **finish)
        procedures.finish(over=self.over(), at=at_day(free_on), **finish)
        self.signed(course, Restart(free_on), prescriber, at_day(free_on))
        # Seventeen days without a dose: built up again from the first step.
        assert courses_selectors.tonight(course.patient, at=at_day(free_on, 20)).dose is not None

    def test_the_clinic_may_ask_for_seven_and_says_why(self, operated: Procedure, prescriber: Actor) -> None:
        at = at_day(ON + timedelta(days=10))
        finish = {"procedure_id": operated.id, "seen_version": 1, "by": prescriber, "at": at}
        with pytest.raises(Refused, match="say why"):
            procedures.finish(over=self.over(days_needed=7), **finish)
        assert procedures.finish(over=self.over(days_needed=7, reason="One tablet only"), **finish).done_at == at

    def test_the_clinics_own_number_holds_without_a_reason(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        rules.set_thresholds(
            chosen={"after_procedure_days": Decimal(8)}, reason="Ours", seen_number=0, by=prescriber, at=AT
        )
        found = enter(patient, prescriber)
        finish = {"procedure_id": found.id, "seen_version": 1, "by": prescriber, "over": self.over()}
        with pytest.raises(Refused, match="8 opioid-free days are over on 27 March"):
            procedures.finish(at=at_day(ON + timedelta(days=10)), **finish)
        procedures.finish(at=at_day(ON + timedelta(days=11)), **finish)

    def test_a_long_course_waits_fourteen(self, operated: Procedure, prescriber: Actor) -> None:
        with pytest.raises(Refused, match="14 opioid-free days"):
            procedures.finish(
                procedure_id=operated.id,
                over=self.over(short_course=False, days_needed=7),
                seen_version=1,
                by=prescriber,
                at=at_day(ON + timedelta(days=16)),
            )

    def test_what_the_patient_told_is_not_passed_over(
        self, patient: Patient, operated: Procedure, prescriber: Actor
    ) -> None:
        procedures.tell_day(
            patient=patient, opioid=True, by=factories.patient_actor(patient), at=at_day(ON + timedelta(days=5))
        )
        finish = {
            "procedure_id": operated.id,
            "seen_version": 2,
            "by": prescriber,
            "at": at_day(ON + timedelta(days=30)),
        }
        with pytest.raises(Refused, match="told of an opioid on 21 March"):
            procedures.finish(over=self.over(), **finish)
        with pytest.raises(Refused, match="told of an opioid on 21 March"):
            procedures.finish(over=procedures.Over(opioids_taken=False, since_on=None), **finish)

    def test_without_any_opioid_it_is_over_at_once(
        self, course: Prescription, operated: Procedure, prescriber: Actor
    ) -> None:
        at = at_day(ON + timedelta(days=1))
        procedures.finish(
            procedure_id=operated.id,
            over=procedures.Over(opioids_taken=False, since_on=None),
            seen_version=1,
            by=prescriber,
            at=at,
        )
        self.signed(course, Resume(at.date()), prescriber, at)
        assert courses_selectors.tonight(course.patient, at=at).dose is not None


B_ON = ON + timedelta(days=60)
B_FROM = B_ON - timedelta(days=3)


class TestAnotherAhead:
    """A second procedure: its pause is there as soon as doses would be taken again, whatever had covered it before."""

    @staticmethod
    def sign(course: Prescription, change: Any, by: Actor, at: datetime, **more: Any) -> None:
        course.refresh_from_db()
        deed = {"reason": "x", "seen_version": course.version, "by": by, "at": at, **more}
        courses.change(prescription_id=course.id, change=change, **deed)

    @staticmethod
    def waits_for_the_second(course: Prescription, patient: Patient) -> None:
        assert pauses(course)[-1] == B_FROM
        assert courses_selectors.tonight(patient, at=at_day(B_FROM - timedelta(days=1), 20)).dose is not None
        assert courses_selectors.tonight(patient, at=at_day(B_FROM, 20)).dose is None
        assert Procedure.objects.get(patient=patient, on=B_ON).no_dose_from_on == B_FROM

    @pytest.mark.parametrize("second_later", [True, False])
    def test_a_restart_after_the_first_pauses_for_the_second(
        self, patient: Patient, course: Prescription, prescriber: Actor, second_later: bool
    ) -> None:
        first = enter(patient, prescriber)
        during = at_day(ON + timedelta(days=1))
        enter(patient, prescriber, on=B_ON, at=during if second_later else AT)
        first.refresh_from_db()
        assert (first.no_dose_from_on, pauses(course)) == (LAST + timedelta(days=1), [LAST + timedelta(days=1)])
        at = at_day(ON + timedelta(days=12))
        procedures.finish(
            procedure_id=first.id,
            over=procedures.Over(opioids_taken=False, since_on=None),
            seen_version=1,
            by=prescriber,
            at=at,
        )
        self.sign(course, Restart(at.date()), prescriber, at)
        self.waits_for_the_second(course, patient)
        kinds = PlanChange.objects.filter(prescription=course).order_by("number").values_list("kind", flat=True)
        assert list(kinds) == ["pause", "restart", "pause"]
        assert "on 15 May 2026" in PlanChange.objects.get(prescription=course, number=3).reason

    @pytest.mark.parametrize("way", [Resume(TODAY + timedelta(days=5)), Supersede(0)])
    def test_the_end_of_another_pause_pauses_for_it(
        self, patient: Patient, course: Prescription, prescriber: Actor, way: Any
    ) -> None:
        on = TODAY + timedelta(days=2)
        self.sign(course, Pause(on, None), prescriber, AT)
        enter(patient, prescriber, on=B_ON)
        assert pauses(course) == [on]
        self.sign(course, way, prescriber, AT)
        self.waits_for_the_second(course, patient)

    def test_what_ended_the_pause_is_taken_back_and_one_is_begun_whatever_waits(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        enter(patient, prescriber, on=B_ON)
        on = TODAY + timedelta(days=2)
        self.sign(course, Pause(on, None), prescriber, AT)
        assert pauses(course) == [on]
        self.sign(course, Resume(on + timedelta(days=3)), prescriber, AT)
        self.waits_for_the_second(course, patient)
        resumed = PlanChange.objects.get(prescription=course, kind="resume")
        self.sign(course, Supersede(resumed.number - 1), prescriber, AT)
        assert pauses(course) == [on]

    def test_a_later_time_of_the_day_moves_the_pause(self, patient: Patient, prescriber: Actor) -> None:
        course = factories.prescription(patient, by=prescriber, slot=Slot.MORNING)
        found = enter(patient, prescriber, time=time(15))
        assert pauses(course) == [LAST + timedelta(days=2)], "a morning's dose is taken by noon"
        self.sign(course, ChangeTime(TODAY + timedelta(days=2), Slot.BEDTIME), prescriber, AT)
        found.refresh_from_db()
        assert (found.last_dose_on, pauses(course)) == (LAST, [LAST + timedelta(days=1)])

    def test_what_is_shown_is_signed_with_its_pause_and_answers_the_alert(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        on = TODAY + timedelta(days=2)
        self.sign(course, Pause(on, None), prescriber, AT)
        enter(patient, prescriber, on=B_ON)
        found = factories.finding(patient, prescription=course)
        desk, url = pages.client_of(prescriber), reverse("desk:course_resume", args=[course.id])
        url += f"?finding={found.id}&seen={found.version}"
        typed = {"on": (on + timedelta(days=3)).isoformat(), "reason": "Well", "seen_version": "2"}
        shown = desk.post(url, {**typed, "action": "preview"})
        effect = shown.context["effect"]
        assert [line.from_on for line in effect.after if line.state == "paused"][-1] == "Tue 12 May 2026"
        signed = desk.post(url, {**typed, "action": "sign", "shown": effect.shown})
        assert signed.status_code == 302
        self.waits_for_the_second(course, patient)
        found.refresh_from_db()
        assert found.accepted_by_change == PlanChange.objects.get(prescription=course, kind="resume")


@pytest.mark.parametrize("seed", range(16))
def test_whatever_is_signed_no_dose_is_taken_into_an_operation(
    patient: Patient, course: Prescription, prescriber: Actor, seed: int
) -> None:
    """Pauses that begin, end and are taken back round two operations that are entered, called off and over."""
    chance, at = Random(seed), AT

    def sign(change: Any) -> None:
        deed = {"reason": "x", "seen_version": course.version, "by": prescriber, "at": at}
        courses.change(prescription_id=course.id, change=change, **deed)

    def end_the_first() -> None:
        for one in procedures_selectors.open_procedures(patient)[:1]:
            deed = {"procedure_id": one.id, "seen_version": one.version, "by": prescriber, "at": at}
            if one.on <= at.date():
                procedures.finish(over=procedures.Over(opioids_taken=False, since_on=None), **deed)
            else:
                procedures.cancel(reason="Put off", **deed)

    for _ in range(16):
        course.refresh_from_db()
        on, ahead = at.date() + timedelta(days=chance.randint(0, 5)), at.date() + timedelta(days=chance.randint(3, 40))
        deeds = [
            lambda on=on: sign(Pause(on, chance.choice([None, None, 3]))),
            lambda on=on: sign(Resume(on)),
            lambda on=on: sign(Restart(on)),
            lambda on=on: sign(ChangeTime(on, chance.choice([Slot.BEDTIME, Slot.MORNING]))),
            lambda: sign(Supersede(max(course.version - 2, 0))),
            lambda on=ahead, at=at: enter(patient, prescriber, at=at, on=on),
            end_the_first,
        ]
        with suppress(Refused), transaction.atomic():
            chance.choice(deeds)()
        at += timedelta(days=chance.randint(0, 3))
        in_force = list(course.steps.all())
        for one in procedures_selectors.open_procedures(patient):
            assert one.no_dose_from_on is not None
            later = [step for step in in_force if step.to_on is None or step.to_on > one.no_dose_from_on]
            assert all(step.dose is None for step in later), one.on


class TestThePages:
    @pytest.fixture
    def desk(self, prescriber: Actor) -> Client:
        return pages.client_of(prescriber)

    def typed(self, **more: str) -> dict[str, str]:
        return {
            "on": ON.isoformat(),
            "time": "08:00",
            "words": "Knee operation",
            "opioids_expected": "yes",
            "hours": "72",
            **more,
        }

    def test_it_is_entered_and_the_page_says_the_last_dose(
        self, desk: Client, patient: Patient, course: Prescription
    ) -> None:
        url = reverse("desk:procedures", args=[patient.id])
        page = words_of(desk.post(url, self.typed(), follow=True))
        assert "Last dose: Thu 12 March 2026" in page
        assert "Knee operation" in page
        assert "Thu 12 March 2026" in words_of(desk.get(url))

    def test_the_clinics_own_hours_are_offered(self, desk: Client, patient: Patient, prescriber: Actor) -> None:
        rules.set_thresholds(
            chosen={"procedure_hours": Decimal(96)}, reason="Ours", seen_number=0, by=prescriber, at=AT
        )
        page = desk.get(reverse("desk:procedures", args=[patient.id])).content.decode()
        assert 'name="hours" value="96"' in page

    def test_what_is_wrong_is_said_and_kept(self, desk: Client, patient: Patient, course: Prescription) -> None:
        url = reverse("desk:procedures", args=[patient.id])
        answered = desk.post(url, self.typed(on="2020-01-01"))
        assert answered.status_code == 422
        assert "at most a month ago" in words_of(answered)
        assert "Knee operation" in answered.content.decode()

    def test_it_is_moved_cancelled_and_finished_on_its_own_page(
        self, desk: Client, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        found = enter(patient, prescriber)
        url = reverse("desk:procedure", args=[found.id])
        moved = desk.post(url, self.typed(on="2026-03-20", action="move", seen_version="1"), follow=True)
        assert "Last dose: Mon 16 March 2026" in words_of(moved)
        stale = desk.post(url, {"action": "cancel", "reason": "No", "seen_version": "1"})
        assert stale.status_code == 409
        gone = desk.post(url, {"action": "cancel", "reason": "Put off", "seen_version": "2"}, follow=True)
        assert "cancelled" in words_of(gone)
        assert pauses(course) == []

    def test_finishing_too_early_says_when(
        self, desk: Client, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        found = enter(patient, prescriber)
        with time_machine.travel(at_day(ON + timedelta(days=4)), tick=False):
            typed = {"action": "finish", "opioids": "short", "since_on": "2026-03-19", "seen_version": "1"}
            answered = desk.post(reverse("desk:procedure", args=[found.id]), typed)
        assert answered.status_code == 422
        assert "Not yet: 10 opioid-free days are over on 29 March 2026" in words_of(answered)

    def test_the_letter_is_a_file_and_is_remembered(
        self, desk: Client, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        factories.told_night(patient, TODAY - timedelta(days=1))
        found = enter(patient, prescriber)
        answered = desk.post(reverse("desk:procedure_letter", args=[found.id]))
        assert answered["Content-Type"] == "application/pdf"
        assert answered.content.startswith(b"%PDF")
        assert [event.subject_id for event in memory.events(action="procedure.letter")] == [found.id]

    def test_the_patient_reads_what_holds_and_answers_each_day(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        phone = phone_of(patient)
        assert "procedure" not in words_of(phone.get("/p/"))
        enter(patient, prescriber)
        assert "Take your last dose before it on Thursday 12 March" in words_of(phone.get("/p/"))
        with time_machine.travel(at_day(ON - timedelta(days=2)), tick=False):
            assert "not yet" in words_of(phone.get("/p/"))
        with time_machine.travel(at_day(ON + timedelta(days=1)), tick=False):
            page = words_of(phone.get("/p/"))
            assert "Have you taken any opioid painkiller today?" in page
            assert "not yet" in page
            phone.post("/p/procedure/", {"opioid": "no"})
            assert "You told us today: no opioid painkiller." in words_of(phone.get("/p/"))
            assert phone.post("/p/procedure/", {"opioid": "perhaps"}, follow=True).status_code == 200
        assert ProcedureDay.objects.get().opioid is False
