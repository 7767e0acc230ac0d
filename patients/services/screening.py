"""Screening: saved as it is filled in, sent to the patient, confirmed by a clinician, decided on where it stops."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import policy
from accounts.actors import Actor, Kind
from audit import services as audit
from common.refusals import Refused, Stale
from patients import screening, selectors_screening
from patients.models import Patient, Screening, ScreeningDecision
from patients.screening import Asker, Outcome
from patients.selectors_screening import Standing
from patients.services.changed import raise_sequence
from patients.services.knowing import check_in_care, check_knows_lastingly

State = Screening.State
DECISIONS = ScreeningDecision.Kind
TAKING_ALREADY = "Takes it already: the plan was entered as it is taken, and the screening is to follow."
BY_TABLE = "The plan was signed with a table that was brought in; the screening is to follow."
NOT_ASKED = "Your clinic is not asking these questions at present."


@transaction.atomic
def save(
    *, patient: Patient, answers: Mapping[str, str], note: str, seen_number: int, by: Actor, at: datetime
) -> Screening:
    """Keep what the clinic has filled in so far; what stands as it is already is not written again."""
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    patient, standing = _locked(patient, seen_number, by)
    running = standing.running
    if running is not None and (running.state, running.answers, running.note) == (State.DRAFT, dict(answers), note):
        return running
    return _append(patient, standing, State.DRAFT, answers, note, by=by, at=at, action="screening.save")


@transaction.atomic
def send(*, patient: Patient, by: Actor, at: datetime) -> Screening:
    """Let the patient answer first; what was filled in so far is kept, and not shown to them.

    The caller mails the patient that there is something to answer.
    """
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    patient, standing = _locked(patient, None, by)
    check_in_care(patient)
    note = standing.running.note if standing.running else ""
    return _append(patient, standing, State.SENT, standing.filled, note, by=by, at=at, action="screening.send")


@transaction.atomic
def tell(
    *,
    patient: Patient,
    answers: Mapping[str, str],
    note: str | None,
    finished: bool,
    seen_number: int,
    by: Actor,
    at: datetime,
    sent: bool = True,
) -> Screening:
    """Keep what the patient, or who looks after a child, has answered so far; `finished` hands it to the clinic.

    `answers` are added to those given before; `note` None leaves it as it was. Not `sent` is what is kept while they
    are still ticking: no rule looks at it, and what stands as it is already is not written again.
    """
    if by.kind not in (Kind.PATIENT, Kind.CARER):
        raise Refused("Only the patient answers here.")
    patient, standing = _locked(patient, seen_number, by)
    running = standing.running
    if running is None or running.state not in (State.SENT, State.TELLING):
        raise Refused(NOT_ASKED)
    mine = running.answers if running.state == State.TELLING else {}
    told = {**mine, **answers}
    about = selectors_screening.about(patient, at=at)
    if finished and screening.missing(screening.form(), told, about, Asker.PATIENT):
        raise Refused("Some questions have no answer yet. “Not sure” is an answer too.")
    state = State.ANSWERED if finished else State.TELLING
    kept = running.note if note is None else note
    if not (sent or finished) and (running.state, running.answers, running.note) == (state, told, kept):
        return running
    action = f"screening.{state}"
    return _append(patient, standing, state, told, kept, by=by, at=at, action=action, unsent=not (sent or finished))


@transaction.atomic
def confirm(
    *, patient: Patient, answers: Mapping[str, str], note: str, seen_number: int, by: Actor, at: datetime
) -> Screening:
    """A clinician stands for these answers. Every question that matters has one."""
    policy.check(by, policy.Permission.SCREEN)
    patient, standing = _locked(patient, seen_number, by)
    form, about = screening.form(), selectors_screening.about(patient, at=at)
    if screening.missing(form, answers, about):
        raise Refused("Some questions have no answer yet. Answer them, or say that nobody is sure.")
    useful = screening.of_use(form, answers, about)
    return _append(patient, standing, State.CONFIRMED, useful, note, by=by, at=at, action="screening.confirm")


@transaction.atomic
def waive(*, patient: Patient, reason: str, by: Actor, at: datetime) -> Screening:
    """Say why a plan begins without a screening. One that was confirmed is never set aside by it."""
    policy.check(by, policy.Permission.PRESCRIBE)
    if not reason:
        raise Refused("Say why, so that the next person understands.")
    patient, standing = _locked(patient, None, by)
    if standing.confirmed is not None:
        raise Refused("This patient has been screened. Look at what it says instead.")
    return _append(patient, standing, State.WAIVED, {}, reason, by=by, at=at, action="screening.waive")


def waive_if_none(*, patient: Patient, reason: str, by: Actor, at: datetime) -> None:
    """The same for a plan that comes with its own reason, such as one that is taken already; nothing where somebody
    has confirmed a screening or said why there is none.
    """
    standing = selectors_screening.screening_of(patient)
    if standing.confirmed is None and standing.waived is None:
        waive(patient=patient, reason=reason, by=by, at=at)


@transaction.atomic
def decide(
    *,
    patient: Patient,
    code: str,
    kind: str,
    words: str,
    confirmed: bool,
    seen_number: int,
    by: Actor,
    at: datetime,
) -> ScreeningDecision:
    """Go on in spite of a stop: with a reason, with the specialist's agreement, or by an override.

    `confirmed` says a second time that an override is meant. `seen_number` is that of the confirmed version.
    """
    policy.check(by, policy.Permission.PRESCRIBE)
    patient, standing = _locked(patient, None, by)
    row = standing.confirmed
    if row is None or row.number != seen_number:
        raise Stale("The screening was confirmed anew since. Look again.")
    check_decision(standing, code=code, kind=kind, words=words, confirmed=confirmed)
    decision = ScreeningDecision.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        screening=row,
        code=code,
        kind=kind,
        words=words,
        at=at,
        by_id=by.user_id,
        by_label=by.label,
    )
    raise_sequence(patient_id=patient.id, clinic_id=patient.clinic_id)
    details = {"code": code}
    audit.record(by=by, at=at, action=f"screening.{kind}", patients=[patient.id], subject=decision.id, details=details)
    return decision


def check_decision(standing: Standing, *, code: str, kind: str, words: str, confirmed: bool) -> None:
    """Raise `Refused` unless this result may be decided on in this way."""
    result = next((one for one in standing.results if one.code == code and one.is_stop), None)
    if result is None:
        raise Refused("There is nothing to decide on there. Look at the screening again.")
    wanted = {DECISIONS.REASON} if result.outcome is Outcome.SOFT_STOP else {DECISIONS.OVERRIDE}
    if result.lift:
        wanted.add(DECISIONS.AGREED)
    if kind not in wanted:
        raise Refused("This result cannot be decided on in that way.")
    if not words:
        agreed = kind == DECISIONS.AGREED
        raise Refused("Say who agreed, when and how." if agreed else "Say why, so that the next person understands.")
    if kind == DECISIONS.OVERRIDE and not confirmed:
        raise Refused("This is a hard stop. Confirm once more that you mean to go on all the same.")


def _locked(patient: Patient, seen_number: int | None, by: Actor) -> tuple[Patient, Standing]:
    """The patient as they are now that their row is held, and what stands for them, with nobody else changing it;
    `seen_number` is the version the caller looked at.
    """
    if patient.clinic_id != by.clinic_id:
        raise Refused("No record of yours to change. Nothing was done.")
    held = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    check_knows_lastingly(by, held.id)
    standing = selectors_screening.screening_of(held)
    if seen_number is not None and standing.number != seen_number:
        newest = standing.newest
        who = newest.by_label if newest else "somebody"
        raise Stale(f"Changed by {who} since. Look again: what you wrote is still here.")
    return held, standing


def _append(
    patient: Patient,
    standing: Standing,
    state: str,
    answers: Mapping[str, str],
    note: str,
    *,
    by: Actor,
    at: datetime,
    action: str,
    unsent: bool = False,
) -> Screening:
    about = selectors_screening.about(patient, at=at)
    kept_about = {"age": about.age, "conditions": sorted(about.conditions)}
    row = Screening.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        number=standing.number + 1,
        state=state,
        answers=_known(answers),
        note=note,
        about={**kept_about, Screening.UNSENT: True} if unsent else kept_about,
        text_version=screening.form().version,
        answered_by=Screening.From.PATIENT if by.kind in (Kind.PATIENT, Kind.CARER) else Screening.From.CLINICIAN,
        at=at,
        by_id=by.user_id,
        by_label=by.label,
    )
    if state != State.DRAFT and not unsent:
        raise_sequence(patient_id=patient.id, clinic_id=patient.clinic_id)
    details: dict[str, Any] = {"version": row.number}
    audit.record(by=by, at=at, action=action, patients=[patient.id], subject=row.id, details=details)
    return row


def _known(answers: Mapping[str, str]) -> dict[str, str]:
    """Answers to questions there are, in their form; raises `Refused` for anything else."""
    kept = {}
    for code, answer in answers.items():
        item = screening.form().item(code)
        if item is None or not screening.is_answer(item, answer):
            raise Refused("That is no answer to any of these questions. Nothing was saved.")
        kept[code] = answer
    return kept
