"""What a morning of the demonstration begins with, by the deeds a clinic uses: words ready to be sent, who is seen
tomorrow, a call that nobody answered and a question to a colleague.
"""

from datetime import datetime, timedelta

from accounts.actors import Actor
from patients.models import Patient
from titration.models import ContactAttempt
from titration.services import reaching

TEXTS = {
    "Take it in the morning": (
        "From tomorrow please take your dose in the morning instead of at bedtime, at least 12 hours after the last "
        "one. Go on telling us how you sleep. If it is no better in a week, call us."
    ),
    "We have not heard from you": (
        "We have not heard from you for some nights. Please tell us how you slept and whether you took your dose, even "
        "where all is well: no step is taken without it."
    ),
    "An operation or a procedure": (
        "Please tell us the day as soon as you know it. We will say which dose is the last one before it, and give you "
        "a letter for the anaesthetist. Carry your emergency card."
    ),
}
SEEN_TOMORROW, NOT_REACHED, ASKED_ABOUT = (3, 15), 23, 21


def texts(*, by: Actor, at: datetime) -> None:
    """The instructions the clinic has written."""
    for name, words in TEXTS.items():
        reaching.keep_text(name=name, words=words, by=by, at=at)


def of_patient(patient: Patient, number: int, *, prescriber: Actor, nurse: Actor, at: datetime) -> None:
    """What was arranged about this patient on the last day."""
    today = at.astimezone(patient.clinic.zone).date()
    if number in SEEN_TOMORROW:
        reaching.mark_visit(patient=patient, on=today + timedelta(days=1), today=today, by=prescriber, at=at)
    if number == NOT_REACHED:
        call, no_answer = ContactAttempt.Kind.CALL, ContactAttempt.Outcome.NO_ANSWER
        reaching.log_contact(patient=patient, kind=call, outcome=no_answer, words="", by=nurse, at=at)
    if number == ASKED_ABOUT and prescriber.user_id is not None:
        question = "Sleeps badly in the morning rhythm too. Go back a step, or wait a week?"
        reaching.refer(patient=patient, to=prescriber.user_id, words=question, by=nurse, at=at)
