"""Prescriptions on paper: drafted from the plan as it stands, signed as seen, printed, and followed to the pharmacy."""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from accounts.models import Clinic, User
from audit import services as audit
from common.refusals import Refused, Stale
from patients.services.knowing import check_knows_lastingly
from titration import papers, typesetting
from titration.engine import timeline
from titration.engine.formulation import Formulation
from titration.models import PaperEvent, Pharmacy, Prescription, PrescriptionPaper
from titration.selectors import courses as courses_selectors
from titration.selectors import supply as supply_selectors

State = PrescriptionPaper.State
MOST_NIGHTS = 366
MOST_REFILLS = 5
SCHEDULE_DAYS = 366
"""How far a patient's schedule looks ahead, where the plan has no end."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the prescriber decides on a prescription beside the plan itself."""

    formulation: Formulation
    nights: int
    refills: int
    pharmacy: Pharmacy | None
    address: str
    allergies: str
    indication: str
    note: str = ""


@dataclass(frozen=True)
class Printed:
    """A file that leaves, and its hash as the memory has it."""

    body: bytes
    sha256: str


@transaction.atomic
def draft(*, prescription: Prescription, asked: Asked, by: Actor, at: datetime) -> PrescriptionPaper:
    """Write a prescription down from the plan as it is intended now; `CannotBeMade` names a dose that cannot be."""
    policy.check(by, policy.Permission.PRESCRIBE)
    course = _open_course(prescription.id, by)
    _check(asked)
    number = PrescriptionPaper.objects.filter(prescription=course).count() + 1
    content = papers.prescription(_facts(course, asked, number=number, at=at))
    written = json.dumps(content, sort_keys=True)
    paper = PrescriptionPaper.objects.create(
        clinic_id=course.clinic_id,
        patient=course.patient,
        prescription=course,
        number=number,
        course_version=course.version,
        formulation=asked.formulation.to_json(),
        nights=asked.nights,
        refills=asked.refills,
        pharmacy=asked.pharmacy,
        content=written,
        fingerprint=hashlib.sha256(written.encode()).hexdigest(),
        drafted_at=at,
        drafted_by_id=by.user_id,
    )
    _happened(paper, State.DRAFT, by=by, at=at)
    return paper


@transaction.atomic
def sign(*, paper_id: uuid.UUID, seen_fingerprint: str, by: Actor, at: datetime) -> PrescriptionPaper:
    """Sign exactly what was seen. A plan that has changed since, or a signer without a licence, refuses."""
    policy.check(by, policy.Permission.PRESCRIBE)
    paper = _locked(paper_id, by)
    course = _open_course(paper.prescription_id, by)
    if paper.fingerprint != seen_fingerprint:
        raise Stale("This is not the prescription you looked at. Look again before you sign.")
    if course.version != paper.course_version:
        raise Stale("The plan has changed since this was written. Write a new prescription from the plan as it is now.")
    signer = User.objects.get(id=by.user_id)
    if not signer.licence:
        raise Refused("A prescription names your licence. Write it down under “Your licence” first.")
    _move(paper, State.SIGNED, by=by, at=at)
    identity = papers.Prescriber(name=signer.name, licence=signer.licence, npi=signer.npi)
    zone = Clinic.objects.get(id=paper.clinic_id).zone
    signed = papers.signed(json.loads(paper.content), identity, at=f"{at.astimezone(zone):%-d %B %Y, %H:%M}")
    paper.content, paper.signed_at, paper.signed_by_id = json.dumps(signed, sort_keys=True), at, by.user_id
    paper.save(update_fields=["state", "content", "signed_at", "signed_by"])
    Prescription.objects.filter(id=course.id, clinic_id=course.clinic_id).update(formulation=paper.formulation)
    return paper


@transaction.atomic
def move(*, paper_id: uuid.UUID, to: str, by: Actor, at: datetime) -> PrescriptionPaper:
    """Note that it was sent, received, is ready, or is void. Signing is a deed of its own."""
    policy.check(by, policy.Permission.PRESCRIBE if to == State.VOID else policy.Permission.KEEP_SUPPLY)
    if to in (State.DRAFT, State.SIGNED):
        raise Refused("A prescription is signed by its prescriber.")
    paper = _locked(paper_id, by)
    _move(paper, to, by=by, at=at)
    paper.save(update_fields=["state"])
    return paper


@transaction.atomic
def print_paper(*, paper_id: uuid.UUID, by: Actor, at: datetime) -> Printed:
    """The prescription as a file. A draft says so across the page; every printing of a signed one after the first says
    that it is a reprint."""
    policy.check(by, policy.Permission.KEEP_SUPPLY)
    paper = _locked(paper_id, by)
    if paper.state == State.VOID:
        raise Refused("This prescription is void. It is not printed any more.")
    is_draft = paper.state == State.DRAFT
    printings = PaperEvent.objects.filter(paper=paper, kind=PaperEvent.PRINTED, at__gte=paper.signed_at or at)
    first = None if is_draft else printings.order_by("at").first()
    zone = Clinic.objects.get(id=paper.clinic_id).zone
    data = papers.printed(
        json.loads(paper.content),
        draft=is_draft,
        reprint_of=f"{first.at.astimezone(zone):%-d %B %Y, %H:%M}" if first else "",
        hash_words=f"Words {paper.fingerprint[:12]}.",
    )
    printed = _set("prescription", data)
    _happened(paper, PaperEvent.PRINTED, by=by, at=at, sha256=printed.sha256)
    return printed


@transaction.atomic
def print_schedule(*, prescription: Prescription, large: bool, by: Actor, at: datetime) -> Printed:
    """The patient's own dated schedule as a file, from the plan as it is intended now."""
    policy.check(by, policy.Permission.KEEP_SUPPLY)
    patient = prescription.patient
    check_knows_lastingly(by, patient.id)
    if courses_selectors.opioid_report_open([patient.id]):
        raise Refused("The patient reported an opioid and is to take no dose. Answer the report before printing.")
    today = at.astimezone(patient.zone).date()
    runs = _runs(prescription, today=today, days=SCHEDULE_DAYS)
    if not runs:
        raise Refused("No dose is intended from now on, so there is no schedule to print.")
    data = papers.schedule(
        clinic=_letterhead(prescription.clinic_id),
        patient=patient.name,
        formulation=courses_selectors.formulation_of(prescription),
        runs=runs,
        goes_on=runs[-1].until_on - runs[0].from_on >= timedelta(days=SCHEDULE_DAYS),
        planned=prescription.mode == Prescription.Mode.PLANNED,
        version=prescription.version,
        on=today,
        large=large,
    )
    printed = _set("schedule", data)
    kept = {"version": prescription.version, "on": today.isoformat(), "lines": papers.lines(runs)}
    Prescription.objects.filter(id=prescription.id, clinic_id=prescription.clinic_id).update(printed_schedule=kept)
    details = {"sha256": printed.sha256, "of": "large print" if large else "schedule"}
    audit.record(by=by, at=at, action="schedule.print", patients=[patient.id], subject=prescription.id, details=details)
    return printed


def _set(template: str, data: dict[str, Any]) -> Printed:
    body = typesetting.pdf(template, data)
    return Printed(body, hashlib.sha256(body).hexdigest())


def _open_course(prescription_id: uuid.UUID, by: Actor) -> Prescription:
    rows = Prescription.objects.select_for_update(of=("self",), no_key=True).select_related("patient")
    course = rows.get(id=prescription_id, clinic_id=by.clinic_id)
    check_knows_lastingly(by, course.patient_id)
    if course.state not in Prescription.OPEN_STATES:
        raise Refused("This plan has been stopped. A new one has to be prescribed.")
    if courses_selectors.opioid_report_open([course.patient_id]):
        raise Refused("The patient reported an opioid and nobody has answered it. Answer the report first.")
    return course


def _locked(paper_id: uuid.UUID, by: Actor) -> PrescriptionPaper:
    rows = PrescriptionPaper.objects.select_for_update(of=("self",), no_key=True)
    paper = rows.get(id=paper_id, clinic_id=by.clinic_id)
    check_knows_lastingly(by, paper.patient_id)
    return paper


def _check(asked: Asked) -> None:
    if not 1 <= asked.nights <= MOST_NIGHTS:
        raise Refused(f"A prescription is for 1 to {MOST_NIGHTS} days.")
    if not 0 <= asked.refills <= MOST_REFILLS:
        raise Refused(f"A prescription has at most {MOST_REFILLS} refills.")
    for words, called in ((asked.address, "address"), (asked.allergies, "allergies"), (asked.indication, "indication")):
        if not words.strip():
            raise Refused(f"A prescription names the patient's {called}.")


def _facts(course: Prescription, asked: Asked, *, number: int, at: datetime) -> papers.Facts:
    patient = course.patient
    today = at.astimezone(patient.zone).date()
    runs = _runs(course, today=today, days=asked.nights)
    if not runs:
        raise Refused("No dose is intended in these days, so there is nothing to dispense.")
    return papers.Facts(
        letterhead=_letterhead(course.clinic_id),
        patient=patient.name,
        born_on=patient.birth_date,
        record_number=patient.record_number,
        address=asked.address,
        allergies=asked.allergies,
        indication=asked.indication,
        formulation=asked.formulation,
        runs=runs,
        planned=course.mode == Prescription.Mode.PLANNED,
        refills=asked.refills,
        pharmacy=asked.pharmacy.name if asked.pharmacy else "",
        note=asked.note,
        course_version=course.version,
        number=number,
        on=today,
    )


def _runs(prescription: Prescription, *, today: date, days: int) -> list[papers.Run]:
    """So many days of what is intended, from the first dose from today on."""
    schedule = supply_selectors.line_of(prescription, today=today).schedule
    coming = timeline.days(schedule, today, today + timedelta(days=supply_selectors.DAYS_AHEAD))
    first = next((day.on for day in coming if day.dose is not None), None)
    if first is None:
        return []
    return papers.runs(schedule, from_on=first, until_on=first + timedelta(days=days))


def _letterhead(clinic_id: uuid.UUID | None) -> papers.Letterhead:
    clinic = Clinic.objects.get(id=clinic_id)
    return papers.Letterhead(name=clinic.name, address=clinic.address, phone=clinic.phone)


def _move(paper: PrescriptionPaper, to: str, *, by: Actor, at: datetime) -> None:
    if to not in PrescriptionPaper.MOVES[paper.state]:
        before = PrescriptionPaper.State(paper.state).label.lower()
        raise Refused(f"This prescription stands at “{before}”, and that does not follow from it. Look again.")
    paper.state = to
    _happened(paper, to, by=by, at=at)


def _happened(paper: PrescriptionPaper, kind: str, *, by: Actor, at: datetime, sha256: str = "") -> None:
    PaperEvent.objects.create(
        clinic_id=paper.clinic_id, paper=paper, kind=kind, sha256=sha256, at=at, by_id=by.user_id, by_label=by.label
    )
    audit.record(
        by=by,
        at=at,
        action=f"paper.{kind}",
        patients=[paper.patient_id],
        subject=paper.id,
        details={"sha256": sha256} if sha256 else {},
    )
