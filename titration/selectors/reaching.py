"""Questions about reaching a patient: what was tried, who was asked, what was sent and read, who is seen when."""

import uuid
from collections.abc import Collection
from datetime import date

from django.db.models import QuerySet

from accounts.actors import Actor
from patients import selectors as patients_selectors
from patients.models import Patient
from titration.models import ContactAttempt, Instruction, InstructionText, Referral, VisitDay


def attempts_of(patient: Patient, *, most: int = 30) -> list[ContactAttempt]:
    """What was tried, newest first."""
    return list(ContactAttempt.objects.filter(patient=patient).order_by("-at", "id")[:most])


def last_attempts(patients: Collection[uuid.UUID]) -> dict[uuid.UUID, ContactAttempt]:
    """The last try to reach each of these patients, in one statement."""
    rows = ContactAttempt.objects.filter(patient__in=list(patients))
    return {row.patient_id: row for row in rows.order_by("patient_id", "-at").distinct("patient_id")}


def referrals(actor: Actor, among: QuerySet[Patient]) -> QuerySet[Referral]:
    """The open questions to colleagues about these patients."""
    return Referral.objects.filter(clinic_id=actor.clinic_id, patient__in=among, closed_at=None).select_related("to")


def referral_of(patient: Patient) -> Referral | None:
    """The open question to a colleague about a patient."""
    return Referral.objects.filter(patient=patient, closed_at=None).select_related("to").first()


def texts_of(actor: Actor) -> list[InstructionText]:
    """The instructions a clinic wrote and uses, by name."""
    return list(InstructionText.objects.filter(clinic_id=actor.clinic_id, left_at=None).order_by("name"))


def instructions_of(patient: Patient, *, most: int = 20) -> list[Instruction]:
    """What was sent to a patient, newest first."""
    return list(Instruction.objects.filter(patient=patient).select_related("text").order_by("-sent_at", "id")[:most])


def waits(patient: Patient) -> bool:
    """Whether the clinic sent something that the patient has not read."""
    return Instruction.objects.filter(patient=patient, read_at=None).exists()


def unread(actor: Actor, among: QuerySet[Patient]) -> QuerySet[Instruction]:
    """Instructions to these patients that nobody has read; whose care has ended is not chased."""
    unread = Instruction.objects.filter(clinic_id=actor.clinic_id, patient__in=among, read_at=None)
    return unread.filter(patient__care_ended_at=None)


def visits_on(actor: Actor, on: date) -> list[VisitDay]:
    """Who is seen on a day, by name, with the patient and the clinician."""
    known = patients_selectors.visible_to(actor)
    rows = VisitDay.objects.filter(clinic_id=actor.clinic_id, on=on, patient__in=known)
    return list(rows.select_related("patient", "clinician").order_by("patient__sort_key", "id"))


def visits_of(patient: Patient, *, since: date) -> list[VisitDay]:
    """The days from a date on, on which a patient is seen."""
    return list(VisitDay.objects.filter(patient=patient, on__gte=since).select_related("clinician").order_by("on"))
