"""A night told by the patient, with what it means: the first dose begins a plan that waited for it, and what was taken
is what the supply has less of.
"""

from datetime import date, datetime

from django.db import transaction

from accounts.actors import Actor
from patients.models import Patient
from symptoms import services as symptoms_services
from symptoms.models import DoseTaken, SymptomLog
from symptoms.services import DoseAnswer, NightAnswer
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.services import courses, supply


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

    With an opioid reported nothing begins: the clinic answers the report, and then says when the first dose was.
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
    if course is not None and taken and not courses_selectors.opioid_report_open([patient.id]):
        courses.begin(prescription_id=course.id, on=night, seen_version=None, by=by, at=at)
    elif dose is not None:
        supply.refresh(patient, at=at)
    return log
