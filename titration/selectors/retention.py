"""Which records' time is over.

A record is kept for the clinic's years after its last entry, and never let go before the patient's 26th birthday (the
longest that the code of practice for health records in England asks for somebody who was treated as a child), nor
while a plan is open or an emergency access waits for its review.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, F, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Greatest

from accounts import policy
from accounts.actors import Actor
from accounts.models import Clinic
from patients.models import (
    Consent,
    EmergencyAccess,
    Erasure,
    LabResult,
    Medicine,
    Patient,
    Screening,
    ScreeningDecision,
)
from symptoms.models import Assessment, DoseTaken, OpioidReport, SymptomLog
from titration.models import (
    ContactAttempt,
    DoseClarified,
    Fill,
    Instruction,
    OpioidReview,
    PlanChange,
    Prescription,
    PrescriptionPaper,
    Procedure,
    ProcedureDay,
    Referral,
    TrialEntry,
    VisitDay,
)

GROWN_UP_YEARS = 26
SHOWN = 200


@dataclass(frozen=True)
class Entry:
    """Rows that people write into a record, and the columns that say when; `patient` leads from one to its patient."""

    model: type[Model]
    columns: tuple[str, ...]
    patient: str = "patient"

    def rows(self, using: str = "default") -> QuerySet[Any]:
        """Those of the patient of the query around it."""
        return self.model._default_manager.using(using).filter(**{self.patient: OuterRef("pk")})  # noqa: SLF001


ENTRIES = (
    Entry(SymptomLog, ("recorded_at",)),
    Entry(DoseTaken, ("recorded_at",)),
    Entry(OpioidReport, ("at",)),
    Entry(OpioidReview, ("at",), "report__patient"),
    Entry(Assessment, ("at",)),
    Entry(Screening, ("at",)),
    Entry(ScreeningDecision, ("at",)),
    Entry(Consent, ("at",)),
    Entry(Medicine, ("recorded_at",)),
    Entry(LabResult, ("at",)),
    Entry(Procedure, ("recorded_at", "cancelled_at", "done_at")),
    Entry(ProcedureDay, ("at",), "procedure__patient"),
    Entry(Prescription, ("signed_at", "stopped_at")),
    Entry(PlanChange, ("at",), "prescription__patient"),
    Entry(TrialEntry, ("at",), "prescription__patient"),
    Entry(DoseClarified, ("at",)),
    Entry(PrescriptionPaper, ("drafted_at", "signed_at")),
    Entry(Fill, ("recorded_at", "withdrawn_at")),
    Entry(ContactAttempt, ("at",)),
    Entry(Referral, ("at", "closed_at")),
    Entry(Instruction, ("sent_at", "read_at")),
)
"""What keeps a record: care that was written down. What the program worked out by itself does not."""


@dataclass(frozen=True, kw_only=True)
class Over:
    """A record that need not be kept any longer, by its number alone, and when something was last written in it."""

    patient_id: uuid.UUID
    record_number: str
    last_entry_at: datetime


def years_before(at: datetime, years: int) -> datetime:
    """The same moment so many years ago; 29 February becomes the 28th where there is none."""
    try:
        return at.replace(year=at.year - years)
    except ValueError:
        return at.replace(year=at.year - years, day=28)


def over(actor: Actor, *, at: datetime) -> list[Over]:
    """The clinic's records whose time is over and that nobody has asked to erase, the oldest first, at most 200."""
    if not policy.may(actor, policy.Permission.ERASE) or actor.clinic_id is None:
        return []
    asked = Erasure.objects.filter(patient=OuterRef("pk"), withdrawn_at=None)
    found = _over(actor.clinic_id, at=at).exclude(Exists(asked)).annotate(last=_last_entry())
    rows = found.order_by("last", "id").values_list("id", "record_number", "last")[:SHOWN]
    return [Over(patient_id=row[0], record_number=row[1], last_entry_at=row[2]) for row in rows]


def is_over(clinic_id: uuid.UUID, patient_id: uuid.UUID, *, at: datetime, using: str = "default") -> bool:
    """Whether this record of the clinic need not be kept any longer."""
    return _over(clinic_id, at=at, using=using).filter(id=patient_id).exists()


def may_go(erasure: Erasure, *, at: datetime, using: str = "default") -> bool:
    """Whether what was asked for may still be done: the record's time is over, or it never should have been made and
    nobody has opened it in an emergency since that waits for its review.
    """
    if erasure.because == Erasure.Because.UNDONE:
        waiting = EmergencyAccess.objects.using(using).filter(patient_id=erasure.patient_id, reviewed_at=None)
        return not waiting.exists()
    return is_over(erasure.clinic_id, erasure.patient_id, at=at, using=using)


def _over(clinic_id: uuid.UUID, *, at: datetime, using: str = "default") -> QuerySet[Patient]:
    years = Clinic.objects.using(using).values_list("retention_years", flat=True).get(id=clinic_id)
    here = Patient.objects.using(using).filter(clinic_id=clinic_id)
    if years is None:
        return here.none()
    since, of_patient = years_before(at, years), {"patient": OuterRef("pk")}
    found = here.filter(registered_at__lt=since, birth_date__lte=_born_before(at))
    found = found.exclude(care_ended_at__gte=since)
    for entry in ENTRIES:
        for column in entry.columns:
            found = found.exclude(Exists(entry.rows(using).filter(**{f"{column}__gte": since})))
    return (
        found.exclude(Exists(VisitDay.objects.using(using).filter(**of_patient, on__gte=since.date())))
        .exclude(Exists(Prescription.objects.using(using).filter(**of_patient, state__in=Prescription.OPEN_STATES)))
        .exclude(Exists(EmergencyAccess.objects.using(using).filter(**of_patient, reviewed_at=None)))
    )


def _born_before(at: datetime) -> date:
    return years_before(at, GROWN_UP_YEARS).date()


def _last_entry() -> Greatest:
    """GREATEST passes over NULL: a record without nights ends with its registration or its plan."""
    return Greatest(
        F("registered_at"),
        F("care_ended_at"),
        *(
            Subquery(entry.rows().exclude(**{column: None}).order_by(f"-{column}").values(column)[:1])
            for entry in ENTRIES
            for column in entry.columns
        ),
    )


def asked(actor: Actor) -> list[Erasure]:
    """The clinic's erasures that were not taken back: open ones first, then the latest."""
    if not policy.may(actor, policy.Permission.ERASE):
        return []
    rows = Erasure.objects.filter(clinic_id=actor.clinic_id, withdrawn_at=None)
    rows = rows.select_related("patient", "asked_by", "confirmed_by")
    return list(rows.order_by(F("done_at").desc(nulls_first=True), "-asked_at", "id")[:SHOWN])


def erasure_of(actor: Actor, erasure_id: uuid.UUID) -> Erasure | None:
    """This erasure, if it is one of the clinic whose administrator asks."""
    if not policy.may(actor, policy.Permission.ERASE):
        return None
    return Erasure.objects.filter(id=erasure_id, clinic_id=actor.clinic_id).first()


def record_over(actor: Actor, patient_id: uuid.UUID, *, at: datetime) -> Over | None:
    """This record, if its time is over and nobody has asked to erase it."""
    return next((one for one in over(actor, at=at) if one.patient_id == patient_id), None)
