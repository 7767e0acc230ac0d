"""What the made-up people of the demonstration signed, had tested and answered: most of what is due, so that the list
of what is to be arranged looks like a clinic's on an ordinary morning.

Consents and laboratory values are put on record by the deeds a clinic uses; questionnaires, like nights, in bulk.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from accounts.actors import Actor
from patients import labs, selectors_consent
from patients import selectors as patients_selectors
from patients.models import Patient
from patients.services import consenting
from patients.services import labs as lab_deeds
from patients.services.labs import LabValue
from symptoms import instrument_files, scoring
from symptoms.models import Assessment
from symptoms.rhythm import Given
from titration.models import Prescription
from titration.selectors import assessments as assessments_selectors
from titration.selectors import labs as labs_selectors

USUAL = {
    "alt": ("24", "7", "40"),
    "ast": ("22", "10", "35"),
    "bilirubin": ("9", "3", "21"),
    "creatinine": ("74", "45", "90"),
    "platelets": ("260", "150", "400"),
    "tsh": ("2.1", "0.4", "4.0"),
    "ft4": ("15", "10", "22"),
}
"""A value nobody would look at twice, with the ends of its reference range, each in the test's first unit."""

_HALF_PAST_SEVEN = time(19, 30)


def unsigned(number: int) -> bool:
    return number % 9 == 4


def untested(number: int) -> bool:
    return number % 11 == 6


def silent_since(number: int, last_day: date) -> date:
    """From when on this patient answers no questionnaire."""
    return last_day - timedelta(days=40) if number % 8 == 2 else last_day + timedelta(days=1)


def before_the_first_dose(patient: Patient, number: int, *, by: Actor, at: datetime) -> None:
    """Consent on paper, and the first values."""
    if not unsigned(number):
        standing = selectors_consent.consent_of(patient, at=at)
        consenting.record_paper(
            patient=patient,
            typed_name=patient.name,
            signed_on=at.astimezone(patient.zone).date(),
            seen_sha256=consenting.shown_to(patient, standing).sha256,
            by=by,
            at=at,
        )
    if not untested(number):
        thyroid = labs.THYROID if "hashimoto" in patients_selectors.conditions_of_many([patient.id])[patient.id] else ()
        _record(patient, [group[0] for group in (*labs.BASELINE, *thyroid)], by=by, at=at)


def afterwards(prescription: Prescription, number: int, *, until: datetime, by: Actor) -> None:
    """What fell due since: values on their day, questionnaires on the evening they were asked."""
    patient = prescription.patient
    if not untested(number):
        while due := [one for one in labs_selectors.due_for(patient, at=until) if USUAL.keys() >= {*one.codes}]:
            for one in due:
                at = datetime.combine(one.since, time(9), tzinfo=patient.zone)
                _record(patient, one.codes, by=by, at=min(at, until))
    Assessment.objects.bulk_create(_answered(prescription, number, until))


def _record(patient: Patient, codes: Iterable[str], *, by: Actor, at: datetime) -> None:
    on = at.astimezone(patient.zone).date()
    values = []
    for code in codes:
        value, low, high = map(Decimal, USUAL[code])
        unit = labs.find(code).units[0].ucum
        values.append(LabValue(code=code, value=value, unit=unit, taken_on=on, low=low, high=high))
    lab_deeds.record_labs(patient=patient, values=values, by=by, at=at)


def _answered(prescription: Prescription, number: int, until: datetime) -> Iterator[Assessment]:
    patient = prescription.patient
    conditions = patients_selectors.conditions_of_many([patient.id])[patient.id]
    zone, silent = ZoneInfo(patient.zone_name), silent_since(number, until.date())
    given: dict[str, Given] = {}
    while waiting := [
        one
        for one in assessments_selectors.due_of(prescription, given, conditions, at=until)
        if one.since < min(silent, until.astimezone(zone).date())
    ]:
        for one in waiting:
            row = _assessment(patient, one.instrument, one.since, zone)
            given[one.instrument] = Given(on=row.on, score=row.score)
            yield row


def _assessment(patient: Patient, instrument: str, on: date, zone: ZoneInfo) -> Assessment:
    form = instrument_files.shipped()[instrument]
    answers = {item.code: sorted(choice.value for choice in item.choices)[_mildly(instrument)] for item in form.items}
    scored = scoring.score(form, answers)
    return Assessment(
        clinic_id=patient.clinic_id,
        patient=patient,
        instrument=form.id,
        form_version=form.version,
        on=on,
        answers=answers,
        score=scored.total,
        item9=scored.crisis,
        given_by=Assessment.GivenBy.PATIENT,
        at=datetime.combine(on, _HALF_PAST_SEVEN, tzinfo=zone),
        by_label="the patient",
    )


def _mildly(instrument: str) -> int:
    """Which of an item's answers is given, counted from 0: of somebody not quite well whom nobody has to call."""
    return {"peg": 4, "pgic": 2}.get(instrument, 0)
