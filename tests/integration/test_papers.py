"""Prescriptions on paper: every word from the plan, signed as seen, printed with a hash, followed to the pharmacy."""

import hashlib
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership, User
from accounts.services import licences
from common.dose import Dose
from common.night import Slot
from common.refusals import Refused, Stale
from patients.models import Patient
from tests import factories, memory, pages
from tests.pages import words_of
from titration import papers as words
from titration import typesetting
from titration.engine.course import ChangeTime, OnOff, Pause
from titration.engine.formulation import Filler, Formulation
from titration.engine.planner import CannotBeMade
from titration.models import PaperEvent, Prescription, PrescriptionPaper
from titration.selectors import courses as courses_selectors
from titration.services import courses, papers

AT = factories.AT
pytestmark = pytest.mark.django_db
State = PrescriptionPaper.State


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[None]:
    pages.stay_signed_in(settings)
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic(address="1 Test Street\nTesttown")


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    made = factories.member(clinic, name="Test Prescriber")
    licences.write_down(licence="MD 1", npi="1234567893", by=made, at=AT)
    return made


@pytest.fixture
def desk(prescriber: Actor) -> Client:
    return pages.client_of(prescriber)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic, "Test #strong[Patient]")


@pytest.fixture
def course(patient: Patient, prescriber: Actor) -> Prescription:
    return factories.prescription(patient, by=prescriber)


def sign(paper: PrescriptionPaper, by: Actor) -> PrescriptionPaper:
    return papers.sign(paper_id=paper.id, seen_fingerprint=paper.fingerprint, by=by, at=AT)


def content(paper: PrescriptionPaper) -> dict[str, Any]:
    paper.refresh_from_db()
    return json.loads(paper.content)


class TestWords:
    def test_it_says_what_a_pharmacy_needs(self, course: Prescription, prescriber: Actor) -> None:
        said = content(sign(factories.paper(course, by=prescriber, refills=1), prescriber))
        everything = json.dumps(said, ensure_ascii=False)
        for part in (
            "Test #strong[Patient]",
            "1 January 1980",
            "1 Test Road",
            "None known",
            "Crohn's disease",
            "nalTREXone HCl, compounded, immediate release",
            "1.5 mg capsules",
            "no calcium carbonate",
            "84 capsules of 1.5 mg",
            "by mouth, at bedtime. At most 4.5 mg (four and a half milligrams) a day.",
            "No substitution with 50 mg tablets",
            "only when the clinic confirms it",
            "Test Prescriber",
            "MD 1",
            "1234567893",
            "Testtown",
            "000 000 0000",
        ):
            assert part in everything, part
        assert [(step["dose"], step["each"], step["nights"], step["units"]) for step in said["steps"]] == [
            ("1.5 mg", "1 capsule of 1.5 mg", "14", "14 capsules"),
            ("3 mg", "2 capsules of 1.5 mg", "14", "28 capsules"),
            ("4.5 mg", "3 capsules of 1.5 mg", "14", "42 capsules"),
        ]

    def test_a_dose_that_cannot_be_made_is_refused_with_the_nearest(
        self, patient: Patient, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        with pytest.raises(CannotBeMade):
            factories.paper(course, by=prescriber, formulation=Formulation.capsules(Dose.of(2)))
        typed = {
            "form": "capsules", "strengths": "2", "filler": "any", "nights": "42", "refills": "0",
            "address": "here", "allergies": "none", "indication": "pain",
        }  # fmt: skip
        answer = desk.post(f"/courses/{course.id}/papers/new/", typed)
        assert answer.status_code == 422
        assert "1.5 mg cannot be made from 2 mg capsules. The nearest that can be made: 2 mg." in words_of(answer)
        answer = desk.post(f"/courses/{course.id}/papers/new/", {**typed, "strengths": "1.5 and 3"})
        assert answer.status_code == 302
        assert "28 capsules of 3 mg and 28 capsules of 1.5 mg" in words_of(desk.get(answer["Location"]))


class TestSigning:
    def test_the_formulation_of_the_course_is_then_what_was_signed(
        self, course: Prescription, prescriber: Actor
    ) -> None:
        made_of = Formulation.from_json({"capsules_mg": ["1.5", "3"], "filler": "cellulose"})
        sign(factories.paper(course, by=prescriber, formulation=made_of), prescriber)
        course.refresh_from_db()
        assert courses_selectors.formulation_of(course) == made_of
        assert courses_selectors.formulation_of(course).filler is Filler.CELLULOSE

    def test_only_what_was_seen_and_only_while_the_plan_is_the_same(
        self, course: Prescription, prescriber: Actor
    ) -> None:
        paper = factories.paper(course, by=prescriber)
        with pytest.raises(Stale):
            papers.sign(paper_id=paper.id, seen_fingerprint="another", by=prescriber, at=AT)
        courses.hold(prescription_id=course.id, days=7, reason="sleep", seen_version=1, by=prescriber, at=AT)
        with pytest.raises(Stale, match="The plan has changed"):
            sign(paper, prescriber)

    def test_a_signer_without_a_licence_is_told_where_to_write_it(self, clinic: Clinic, course: Prescription) -> None:
        nobody = factories.member(clinic)
        with pytest.raises(Refused, match="names your licence"):
            sign(factories.paper(course, by=nobody), nobody)

    def test_nobody_but_a_prescriber_signs(self, clinic: Clinic, course: Prescription, prescriber: Actor) -> None:
        with pytest.raises(Refused, match="Your role"):
            sign(factories.paper(course, by=prescriber), factories.member(clinic, Membership.Role.STAFF))

    def test_twice_is_refused(self, course: Prescription, prescriber: Actor) -> None:
        paper = sign(factories.paper(course, by=prescriber), prescriber)
        with pytest.raises(Refused, match="does not follow"):
            sign(paper, prescriber)


class TestItsWay:
    def test_sent_received_ready_each_with_who_and_when(
        self, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        paper = sign(factories.paper(course, by=prescriber), prescriber)
        for to in (State.SENT, State.RECEIVED, State.READY):
            assert desk.post(f"/papers/{paper.id}/move/", {"to": to.value}).status_code == 302
        kinds = PaperEvent.objects.filter(paper=paper).order_by("at", "id").values_list("kind", "by_label")
        assert {kind for kind, _ in kinds} == {"draft", "signed", "sent", "received", "ready"}
        assert {by for _, by in kinds} == {"Test Prescriber"}
        assert "Ready to collect or posted" in words_of(desk.get(f"/papers/{paper.id}/"))

    def test_a_draft_is_not_sent(self, course: Prescription, prescriber: Actor) -> None:
        paper = factories.paper(course, by=prescriber)
        with pytest.raises(Refused, match="does not follow"):
            papers.move(paper_id=paper.id, to=State.SENT, by=prescriber, at=AT)
        with pytest.raises(Refused, match="signed by its prescriber"):
            papers.move(paper_id=paper.id, to=State.SIGNED, by=prescriber, at=AT)

    def test_what_happened_is_never_rewritten(self, course: Prescription, prescriber: Actor) -> None:
        paper = factories.paper(course, by=prescriber)
        with pytest.raises(DatabaseError), transaction.atomic():
            PaperEvent.objects.filter(paper=paper).update(by_label="somebody else")


class TestPrinting:
    def printed(self, paper: PrescriptionPaper, monkeypatch: pytest.MonkeyPatch, by: Actor, at: datetime) -> Any:
        seen = []
        press = typesetting.pdf
        monkeypatch.setattr(typesetting, "pdf", lambda name, data: seen.append(data) or press(name, data))
        papers.print_paper(paper_id=paper.id, by=by, at=at)
        monkeypatch.undo()
        return seen[0]

    def test_a_draft_says_so_across_the_page_and_a_reprint_that_it_is_one(
        self, course: Prescription, prescriber: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        paper = factories.paper(course, by=prescriber)
        assert self.printed(paper, monkeypatch, prescriber, AT)["watermark"] == "DRAFT"
        later = AT + timedelta(minutes=1)
        papers.sign(paper_id=paper.id, seen_fingerprint=paper.fingerprint, by=prescriber, at=later)
        first = self.printed(paper, monkeypatch, prescriber, later)
        assert (first["watermark"], first["reprint"]) == ("", "")
        again = self.printed(paper, monkeypatch, prescriber, later + timedelta(minutes=1))
        assert again["reprint"] == "REPRINT of 2 March 2026, 10:01. Do not dispense twice."

    def test_the_file_leaves_tagged_and_the_memory_has_its_hash(
        self, patient: Patient, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        paper = factories.paper(course, by=prescriber)
        answer = desk.post(f"/papers/{paper.id}/print/")
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
        assert b"/StructTreeRoot" in answer.content or b"/MarkInfo" in answer.content
        (event,) = memory.events(action="paper.printed")
        assert event.details["sha256"] == hashlib.sha256(answer.content).hexdigest()
        assert event.patient_ids == [patient.id]

    def test_one_page(self, course: Prescription, prescriber: Actor) -> None:
        data = words.printed(content(factories.paper(course, by=prescriber)), draft=True, reprint_of="", hash_words="x")
        assert len(typesetting.pages_as_png("prescription", data)) == 1

    def test_the_same_words_make_the_same_file_whenever_it_is_printed(
        self, course: Prescription, prescriber: Actor
    ) -> None:
        data = words.printed(content(factories.paper(course, by=prescriber)), draft=True, reprint_of="", hash_words="x")
        first = typesetting.pdf("prescription", data)
        time.sleep(1.1)
        assert typesetting.pdf("prescription", data) == first

    def test_words_of_people_are_never_markup(self, course: Prescription, prescriber: Actor) -> None:
        """What would fail or be obeyed as markup is set as the letters it is."""
        strange = '#panic() $ \\ ] *bold* #read("/etc/hostname")'
        paper = factories.paper(course, by=prescriber, note=strange, address=strange)
        assert papers.print_paper(paper_id=paper.id, by=prescriber, at=AT).body.startswith(b"%PDF")


class TestSchedule:
    def words(self, course: Prescription, **more: Any) -> str:
        runs = papers._runs(course, today=AT.date(), days=366)
        values = {"goes_on": True, "planned": False, "version": 1, "large": False, **more}
        head = words.Letterhead(name="Clinic", address="", phone="000")
        made_of = courses_selectors.formulation_of(course)
        return json.dumps(
            words.schedule(clinic=head, patient="P", formulation=made_of, runs=runs, on=AT.date(), **values)
        )

    def test_plain_words_with_weekdays_and_the_rule(self, course: Prescription) -> None:
        said = self.words(course)
        assert "Monday 2 March 2026 to Sunday 15 March 2026" in said
        assert "From Monday 30 March 2026 on" in said
        assert "Increase only when your clinic confirms." in said
        assert "replaces all older ones" in said
        assert "Version 1" in said
        assert "Increase only" not in self.words(course, planned=True)

    def test_days_without_a_dose_and_another_time_of_day_are_lines_of_their_own(
        self, course: Prescription, prescriber: Actor
    ) -> None:
        day = AT.date()
        for number, change in enumerate(
            [
                Pause(day + timedelta(days=3), 5),
                ChangeTime(day + timedelta(days=10), Slot.MORNING),
                OnOff(day + timedelta(days=13), 3, 2),
            ]
        ):
            courses.change(
                prescription_id=course.id,
                change=change,
                reason="Because",
                seen_version=1 + number,
                by=prescriber,
                at=AT,
            )
        course.refresh_from_db()
        steps = json.loads(self.words(course))["steps"]
        assert [(step["when"], step["dose"], step["each"]) for step in steps[:5]] == [
            ("Monday 2 March 2026 to Wednesday 4 March 2026", "1.5 mg", "1 capsule of 1.5 mg, at bedtime"),
            ("Thursday 5 March 2026 to Monday 9 March 2026", "none", "No dose on these days"),
            ("Tuesday 10 March 2026 to Wednesday 11 March 2026", "1.5 mg", "1 capsule of 1.5 mg, at bedtime"),
            ("Thursday 12 March 2026", "none", "No dose on these days"),
            ("Friday 13 March 2026 to Saturday 14 March 2026", "1.5 mg", "1 capsule of 1.5 mg, in the morning"),
        ]
        assert steps[5]["each"] == (
            "1 capsule of 1.5 mg, in the morning; 3 days with a dose, then 2 without, in turn from Sunday 15 March 2026"
        )

    @pytest.mark.parametrize("size", ["", "large"])
    def test_it_leaves_as_a_file_and_is_remembered(
        self, patient: Patient, course: Prescription, desk: Client, size: str
    ) -> None:
        answer = desk.post(f"/courses/{course.id}/schedule/", {"size": size})
        assert answer.content.startswith(b"%PDF")
        (event,) = memory.events(action="schedule.print")
        assert event.details["sha256"] == hashlib.sha256(answer.content).hexdigest()


class TestLicence:
    def test_ones_own_is_written_down(self, prescriber: Actor, desk: Client) -> None:
        assert desk.post("/licence/", {"licence": "MD 22", "npi": "1234567890"}).status_code == 422
        assert desk.post("/licence/", {"licence": "MD 22", "npi": ""}).status_code == 302
        assert User.objects.get(id=prescriber.user_id).licence == "MD 22"

    @pytest.mark.parametrize(("npi", "good"), [("1234567893", True), ("1234567890", False), ("123", False)])
    def test_a_slip_in_the_npi_is_found(self, npi: str, good: bool) -> None:
        assert licences.is_npi(npi) is good
