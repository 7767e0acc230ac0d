"""A course as a file: what `replay_course` reads, with nothing in it that says whose it is."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery

from patients.selectors import Record
from symptoms import selectors as symptoms_selectors
from symptoms.models import DoseTaken
from titration import protocol_files
from titration.models import DoseClarified, OpioidReview, Prescription
from titration.replay.file import Log, Mode, Patient, Recorded, Severity, SideEffect, Taken
from titration.replay.writing import Beside, written
from titration.selectors import courses as courses_selectors
from titration.selectors import supply as supply_selectors
from titration.supply_models import Fill

_SCALES = (
    *("latency_min", "awake_min", "awakenings", "quality", "dream_vividness", "dream_distress"),
    *("pain", "fatigue", "lead_symptom"),
)


def course_file(prescription: Prescription, record: Record, *, at: datetime) -> dict[str, Any]:
    """The course, its fills and the nights told since it began, ready for JSON, in five statements at most.

    What happened is all among the changes, up to the patient's today: a planned course goes on by itself from there.
    """
    patient = record.patient
    today = courses_selectors.patient_today(prescription, at=at)
    course = courses_selectors.course_of(prescription)
    rows = sorted(prescription.changes.all(), key=lambda row: row.number)
    fills = Fill.objects.filter(patient=patient, withdrawn_at=None, on__gte=course.start_on).order_by("on", "id")
    by_weight = course.protocol.by_weight
    beside = Beside(
        zone=patient.zone_name,
        mode=Mode(prescription.mode),
        gate=prescription.mode == Prescription.Mode.PLANNED,
        history_until=today,
        formulation=courses_selectors.formulation_of(prescription),
        patient=Patient(
            born=str(patient.birth_date.year),
            sex=patient.sex,
            weight_kg=by_weight.weight_kg if by_weight else None,
            conditions=tuple(code for code, _ in record.conditions),
        ),
        fills=[supply_selectors.stock_fill(fill) for fill in fills],
        logs=_logs(prescription),
    )
    recorded = [Recorded(row.at.astimezone(patient.zone).date(), row.correction) for row in rows]
    return written(course, beside, recorded=recorded, shipped=protocol_files.shipped())


def _logs(prescription: Prescription) -> list[Log]:
    """One entry a night; of a day with two doses the evening's, or the only one told."""
    logs, doses = symptoms_selectors.told_rows(prescription.patient, since=prescription.start_on)
    by_night = {log.night: log for log in logs}
    dose_of = {dose.plan_date: dose for dose in doses}
    reviewed, clarified = _reviewed(prescription), _clarified(prescription)
    return [
        replace(
            _log(night, by_night.get(night), dose_of.get(night), reviewed.get(night)),
            clarified_on=clarified.get(night),
        )
        for night in sorted({*by_night, *dose_of})
    ]


def _clarified(prescription: Prescription) -> dict[date, date]:
    """By night, when somebody first found out what was really taken, after all of it had been told."""
    answers = DoseClarified.objects.filter(
        patient=OuterRef("patient"), up_to__gte=OuterRef("plan_date"), at__gte=OuterRef("recorded_at")
    )
    doses = DoseTaken.objects.filter(patient=prescription.patient, plan_date__gte=prescription.start_on)
    answered = doses.annotate(answered_at=Subquery(answers.order_by("at").values("at")[:1]))
    found: dict[date, list[datetime | None]] = defaultdict(list)
    for night, at in answered.values_list("plan_date", "answered_at"):
        found[night].append(at)
    zone = prescription.patient.zone
    return {
        night: max(known).astimezone(zone).date()
        for night, moments in found.items()
        if len(known := [at for at in moments if at is not None]) == len(moments)
    }


def _reviewed(prescription: Prescription) -> dict[date, date]:
    """By night, when the clinic answered what was reported then."""
    zone = prescription.patient.zone
    reviews = OpioidReview.objects.filter(report__patient=prescription.patient).order_by("at")
    return {night: at.astimezone(zone).date() for night, at in reviews.values_list("report__night", "at")}


def _log(night: date, log: Any, dose: Any, reviewed_on: date | None) -> Log:
    scales = [(name, getattr(log, name)) for name in _SCALES] if log else []
    of_conditions = dict(log.condition_answers) if log else {}
    bleeding = of_conditions.pop("menstruating", None)
    told_mg = dose is not None and dose.taken == DoseTaken.Taken.TAKEN
    return Log(
        night=night,
        taken=Taken(dose.taken.replace("_", " ")) if dose else None,
        taken_mg=dose.taken_mg if told_mg else None,
        sleep_hours=Decimal(log.sleep_hours) if log and log.sleep_hours is not None else None,
        scales=tuple((name, value) for name, value in scales if value is not None),
        side_effects=tuple(
            SideEffect(name, Severity(severity)) for name, severity in (log.side_effects if log else {}).items()
        ),
        other_medicines=log.other_medicines_answer if log else "",
        reviewed_on=reviewed_on,
        menstruating=None if bleeding is None else bool(bleeding),
        measures=tuple((code, Decimal(value)) for code, value in of_conditions.items()),
    )
