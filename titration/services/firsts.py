"""A night told by the patient, with what it means: the first dose begins a plan that waited for it, and what was taken
is what the supply has less of.
"""

from datetime import date, datetime

from django.db import transaction

from accounts.actors import Actor
from patients.models import Patient
from symptoms import items
from symptoms import services as symptoms_services
from symptoms.models import DoseTaken, SymptomLog
from symptoms.services import DoseAnswer, NightAnswer
from titration.engine import timeline
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.services import courses, findings, supply
from titration.services.courses import MayNotBegin


@transaction.atomic
def tell_night(
    *,
    patient: Patient,
    night: date,
    dose: DoseAnswer | None,
    answers: NightAnswer,
    seen_version: int,
    by: Actor,
    at: datetime,
) -> SymptomLog:
    """Save the night; where it tells the first dose of a plan that awaits its medicine, the plan begins on that date.

    With an opioid reported, or a rule or an open procedure against a first dose, nothing begins and the night is kept
    as it was told: the clinic answers the report or the alert, or says that the procedure is over, and then says when
    the first dose was.
    What may be an emergency, and a dose that was not the plan's, is judged before the answer leaves, so that the next
    page says what to do; everything else soon after.
    """
    # The plan before the patient: in this order it is changed everywhere.
    open_ones = Prescription.objects.select_for_update(no_key=True).filter(
        patient=patient, state__in=Prescription.OPEN_STATES
    )
    course = next((one for one in open_ones if one.awaiting and one.begun_on is None), None)
    log = symptoms_services.save_night(
        patient=patient, night=night, dose=dose, answers=answers, seen_version=seen_version, by=by, at=at
    )
    taken = dose is not None and dose.taken == DoseTaken.Taken.TAKEN
    first = course is not None and taken
    begins = first and not courses_selectors.opioid_report_open([patient.id])
    if course is not None and begins:
        try:
            courses.begin(prescription_id=course.id, on=night, seen_version=None, by=by, at=at)
        except MayNotBegin:
            begins = False
    if not begins and dose is not None:
        supply.refresh(patient, at=at)
    too_early = first and not begins
    asks_now = too_early or _not_as_planned(patient, night, dose)
    if asks_now or answers.other_medicines_answer not in ("", SymptomLog.OtherMedicines.NO) or _warns(answers):
        findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=at)
    else:
        findings.ring(patient.id, patient.clinic_id)
    return log


def _not_as_planned(patient: Patient, night: date, dose: DoseAnswer | None) -> bool:
    """Whether a dose was told that may have been too much: of another amount, or at a time that may be too close."""
    course = courses_selectors.open_prescription(patient)
    if course is None or dose is None or dose.taken != DoseTaken.Taken.TAKEN:
        return False
    planned = timeline.dose_on(timeline.unfold(courses_selectors.course_of(course)), night)
    return dose.taken_mg != planned or dose.taken_at is not None


def _warns(answers: NightAnswer) -> bool:
    """Whether one of the signs that are asked apart was told."""
    return not items.warning_signs().keys().isdisjoint(answers.side_effects)
