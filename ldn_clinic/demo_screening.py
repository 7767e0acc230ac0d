"""How the made-up people of the demonstration were screened, by the deeds a clinic uses."""

from datetime import datetime

from accounts.actors import Actor, Kind
from patients import screening, selectors_screening
from patients.models import Patient, ScreeningDecision
from patients.screening import About, Asker
from patients.services import screening as screenings

NEEDS_ANOTHER_FILLER, DRINKS = 8, 4


def answers_of(about: About, **answers: str) -> dict[str, str]:
    """Every question that matters answered with no, but for `answers`; what follows from those with no, too."""
    form = screening.form()
    given = dict(answers)
    for _ in form.sections:
        given |= {item.code: screening.NO for item in screening.missing(form, given, about)}
    return given


def confirmed(patient: Patient, number: int, *, by: Actor, at: datetime) -> None:
    """Confirmed by the prescriber; what stops softly goes on with a reason."""
    said = {}
    if patient.medicines.count() and any("thyroxine" in row.words for row in patient.medicines.all()):
        said["thyroid_replacement"] = screening.YES
    if number % DRINKS == 0:
        said["alcohol"] = screening.YES
    if number % NEEDS_ANOTHER_FILLER == 0:
        said["excipient_allergy"] = screening.YES
    answers = answers_of(selectors_screening.about(patient, at=at), **said)
    seen = selectors_screening.screening_of(patient).number
    row = screenings.confirm(patient=patient, answers=answers, note="", seen_number=seen, by=by, at=at)
    if "excipient_allergy" in said:
        screenings.decide(
            patient=patient,
            code="excipient_allergy",
            kind=ScreeningDecision.Kind.REASON,
            words="Lactose gives cramps: capsules filled with cellulose.",
            confirmed=False,
            seen_number=row.number,
            by=by,
            at=at,
        )


def answered_by_patient(patient: Patient, *, by: Actor, at: datetime) -> None:
    """Sent to the patient, who has answered: it waits for a clinician."""
    sent = screenings.send(patient=patient, by=by, at=at)
    about = selectors_screening.about(patient, at=at)
    asked = {item.code for item in screening.asked(screening.form(), {}, about, Asker.PATIENT)}
    answers = {code: answer for code, answer in answers_of(about, ptsd=screening.UNSURE).items() if code in asked}
    screenings.tell(
        patient=patient,
        answers=answers,
        note="I sleep badly when I am worried.",
        finished=True,
        seen_number=sent.number,
        by=Actor(kind=Kind.PATIENT, clinic_id=patient.clinic_id, label="the patient", patient_id=patient.id),
        at=at,
    )
