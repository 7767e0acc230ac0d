"""Why a patient stands on the clinic's day, in words, and what one click does about it."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from accounts import policy
from accounts.actors import Actor
from desk.presenters.badges import Badge
from desk.presenters.days import day, day_short
from desk.presenters.home import lasting, many, when
from desk.presenters.lanes import Lane, Reason
from desk.presenters.reports import answered, reported
from desk.presenters.supply import refill_line
from patients.models import Patient
from reminders.selectors import Trouble
from symptoms.models import OpioidReport
from titration.engine import gate
from titration.engine.advice.finding import Tier
from titration.models import ContactAttempt, Finding, Instruction, Prescription, Referral, Step, TrialEntry
from titration.selectors.silence import Silent
from titration.selectors.supply import RefillDue
from titration.selectors.worklist import DECIDED, FOR_THE_PATIENT, URGENT, DueStep, instant

P = policy.Permission
READY = Badge("Ready", "good", "check")
NOT_YET = Badge("Not yet", "", "clock")
UNKNOWN = Badge("Not enough nights", "care", "question")
BLOCKED = Badge("Blocked", "danger", "stop")
REVIEW_DUE = Badge("Review due", "care", "clock")
FINISHED = Badge("Finished", "care", "check")
QUIET = Badge("Not heard from", "care", "quiet")
IN_DOUBT = Badge("May not have arrived", "care", "question")
NOT_SENT = Badge("Not delivered", "danger", "mail")
UNREAD = Badge("Not read yet", "care", "clock")
BOUNCED = Badge("Address fails", "danger", "mail")
OUT = Badge("Out", "danger", "stop")
REFILL_DUE = Badge("Refill due", "care", "clock")


@dataclass(frozen=True)
class Reader:
    """Who reads the list, and when: what they may do decides where a row leads them. `today` is the clinic's."""

    actor: Actor
    at: datetime
    today: date

    def may(self, permission: policy.Permission) -> bool:
        return policy.may(self.actor, permission)


def report(row: OpioidReport, reader: Reader) -> Reason:
    said_of = reported(row, zone=reader.actor.clinic_zone or UTC)
    told = f"“{row.words}”" if row.words else "No words were written."
    may = reader.may(P.ANSWER_OPIOID_REPORT)
    return Reason(
        lane=Lane.NOW,
        since=row.at,
        words=f"{said_of.title}. {told}",
        small=(
            f"Waiting for {lasting(reader.at - row.at)}. {said_of.told} {said_of.recognised}".strip(),
            "The patient’s pages say to take no dose until this is answered. Whether they have read that is not known.",
        ),
        badge=Badge(answered(row), "danger", "stop"),
        view="desk:answer_report" if may else "",
        of=row.id,
        action="Answer",
        does="Opens the report. Until it is answered the patient takes no dose.",
        main=True,
    )


_TONES = {
    Tier.EMERGENCY: Badge("Emergency", "danger", "stop"),
    Tier.STOP: Badge("Stop", "danger", "stop"),
    Tier.SURGERY: Badge("Procedure", "care", "care"),
    Tier.DECIDE: Badge("To decide", "care", "care"),
    Tier.HOLD: Badge("Hold", "care", "hold"),
    Tier.GOOD_NEWS: Badge("Good news", "good", "check"),
    Tier.REVIEW: Badge("Review", "care", "clock"),
    Tier.ADMIN: Badge("To arrange", "info", "plan"),
}
_NOTE = Badge("Note", "info", "info")


def finding(row: Finding, reader: Reader) -> Reason:
    """An alert in the words it was raised with. One that makes no row by itself stands below whatever does."""
    tier = row.severity
    view, of, action, does = _where(row, reader)
    return Reason(
        lane=_lane(row),
        since=row.raised_at,
        words=row.sentence,
        small=(f"Rule {row.rule}, since {day(row.raised_at.date())}.",),
        badge=_TONES.get(tier, _NOTE),
        view=view,
        of=of,
        action=action,
        does=does,
        main=tier in URGENT,
        beside=tier not in (*URGENT, *DECIDED, Tier.ADMIN) or row.rule in FOR_THE_PATIENT,
    )


_ARRANGED = {
    "D01": (
        "desk:consent",
        P.REGISTER_PATIENTS,
        "Open the consent",
        "Opens what is to be signed, on paper or on their phone.",
    ),
    "D02": ("desk:labs", P.RECORD_RESULTS, "Enter the values", "Opens the laboratory values, with what is due."),
    "D03": (
        "desk:assessments",
        P.RECORD_RESULTS,
        "Ask the questions",
        "Opens the questionnaires that are due, to be asked on the telephone or at a visit.",
    ),
}
"""Where what is due is done: it closes its alert, so nobody has to answer that as well."""


def _where(row: Finding, reader: Reader) -> tuple[str, uuid.UUID, str, str]:
    """The page that a click on an alert opens, what it is about, and what that does."""
    view, permission, action, does = _ARRANGED.get(row.rule, ("", None, "", ""))
    if permission is not None and reader.may(permission):
        return view, row.patient_id, action, does
    does = "Opens what it rests on and the ways to answer it. It stays open until somebody does."
    return "desk:finding", row.id, "Answer the alert", does


def _lane(row: Finding) -> Lane:
    if row.severity in URGENT:
        return Lane.NOW
    return Lane.DECIDE if row.severity in DECIDED else Lane.ADMIN


def step(row: DueStep, reader: Reader) -> Iterator[Reason]:
    """The step that is due, and the end of the steps where they have run out."""
    if row.end is not None:
        yield _ended(row.end, row.prescription, reader)
    elif row.prescription.next_due_on is not None:
        yield _due(row, row.prescription.next_due_on, reader)


def _due(row: DueStep, due_on: date, reader: Reader) -> Reason:
    prescription = row.prescription
    verdict, why = said(row.verdict)
    ready = verdict is READY
    now = str(row.dose_now) if row.dose_now else "no dose"
    by_itself = ", steps by itself on its day" if prescription.mode == Prescription.Mode.PLANNED else ""
    return Reason(
        lane=Lane.DECIDE,
        since=instant(due_on),
        words=f"Step due: {now} to {prescription.next_dose} on {due_on:%a %-d %b}, {when(due_on, today=reader.today)}",
        small=(*why, f"{prescription.protocol_version.name} ({prescription.protocol_version.code}){by_itself}"),
        badge=verdict,
        view="desk:weigh",
        of=prescription.id,
        action="Weigh the step",
        does="Opens the step with what speaks for and against it. Looking changes nothing.",
        ready=ready,
        ticket=f"{prescription.id}:{prescription.version}" if ready and reader.may(P.PRESCRIBE) else "",
        ticket_words=f"step to {prescription.next_dose}",
    )


def _ended(end: Step, prescription: Prescription, reader: Reader) -> Reason:
    since = day(end.from_on)
    if end.dose is None:
        words, small, badge = f"The plan has run its steps: no dose since {since}.", "Stop it to close it.", FINISHED
    else:
        words, badge = f"{end.dose} goes on; the review is due since {since}.", REVIEW_DUE
        small = f"{when(end.from_on, today=reader.today).capitalize()}. Somebody has to decide."
    return Reason(
        lane=Lane.DECIDE,
        since=instant(end.from_on),
        words=words,
        small=(small,),
        badge=badge,
        view="desk:course",
        of=prescription.id,
        action="Open the plan",
        does="Opens the plan, where it is continued, changed or stopped.",
    )


def question(row: TrialEntry, reader: Reader) -> Reason:
    decide_on = row.decide_on or reader.today
    return Reason(
        lane=Lane.DECIDE,
        since=instant(decide_on),
        words=f"To be decided by {day(decide_on)}: “{row.question}”",
        small=(f"Success would be: {row.criterion}",),
        badge=REVIEW_DUE,
        view="desk:course_question" if reader.may(P.PRESCRIBE) else "desk:course",
        of=row.prescription_id,
        action="Answer the question",
        does="Opens what this plan is tried for, to be answered. The dose is changed apart from it.",
    )


def quiet(row: Silent, reader: Reader) -> Reason:
    last = f"Last told: night of {day(row.last_told)}." if row.last_told else "Has told no night of this plan."
    return Reason(
        lane=Lane.CHASE,
        since=instant(row.heard_on),
        words=f"Not heard from for {many(row.nights, 'night')}",
        small=(last, "The plan is climbing, so every night is expected."),
        badge=QUIET,
        view="desk:reach" if reader.may(P.KEEP_CONTACT) else "desk:patient",
        of=row.patient_id,
        action="Reach the patient",
        does="Opens how the patient is reached. Nothing is sent by itself.",
    )


def trouble(row: Trouble, reader: Reader) -> Reason:
    what = "may not have arrived" if row.uncertain else "did not go out"
    because = f"Because {row.reason}." if row.reason else ""
    return Reason(
        lane=Lane.CHASE,
        since=row.at,
        words=f"A message {what}: {row.kind.lower()}, about {day_short(row.about_on)}",
        small=(because,) if because else (),
        badge=IN_DOUBT if row.uncertain else NOT_SENT,
        view="desk:reminders",
        action="Open the reminders",
        does="Opens the list of messages. None is sent again by itself.",
    )


def referral(row: Referral, reader: Reader) -> Reason:
    to_me = row.to_id == reader.actor.user_id
    return Reason(
        lane=Lane.DECIDE,
        since=row.at,
        words=f"{row.by_label} asks {'you' if to_me else row.to.name}: “{row.words}”",
        small=(f"Since {day(row.at.date())}.",),
        badge=Badge("For you", "info", "person") if to_me else Badge("With a colleague", "", "person"),
        view="desk:reach",
        of=row.patient_id,
        action="Open the question",
        does="Opens how the patient is reached, where the question is closed.",
    )


def unread(row: Instruction, reader: Reader) -> Reason:
    return Reason(
        lane=Lane.CHASE,
        since=row.sent_at,
        words="An instruction has not been read",
        small=(f"Sent {day(row.sent_at.date())} by {row.by_label}.",),
        badge=UNREAD,
        view="desk:reach",
        of=row.patient_id,
        action="Reach the patient",
        does="Opens how the patient is reached. Nothing is sent by itself.",
    )


def tried(row: ContactAttempt | None, reader: Reader) -> str:
    """The last try to reach a patient, in few words."""
    if row is None:
        return ""
    return f"{row.get_kind_display()} {lasting(reader.at - row.at)} ago: {row.get_outcome_display().lower()}"


def bounced(patient: Patient, reader: Reader) -> Reason:
    failed_at = patient.contact.address_failed_at or reader.at
    return Reason(
        lane=Lane.CHASE,
        since=failed_at,
        words="Mail to this patient comes back",
        small=(f"Since {day(failed_at.date())}. Nothing is sent there until the address is corrected.",),
        badge=BOUNCED,
        view="desk:contact",
        of=patient.id,
        action="Correct the address",
        does="Opens address and reminders.",
    )


def refill(row: RefillDue, reader: Reader) -> Reason:
    line = refill_line(row)
    left = f"{line.left} left" + (f": {line.runs_out}" if line.runs_out else "")
    return Reason(
        lane=Lane.ADMIN,
        since=instant(row.prescription.refill_due_on or row.as_of),
        words=left[0].upper() + left[1:],
        small=(line.paper,) if line.paper else (),
        badge=OUT if line.out else REFILL_DUE,
        view="desk:patient",
        of=row.prescription.patient_id,
        action="Open the record",
        does="Opens the record with its supply. Nothing is ordered by itself.",
    )


def said(verdict: gate.Verdict) -> tuple[Badge, tuple[str, ...]]:
    """What the gate says, as a badge, with the sentences of why."""
    match verdict:
        case gate.Open():
            return READY, ()
        case gate.Unknown():
            return UNKNOWN, (verdict.reason.sentence,)
        case gate.Blocked():
            # Days ahead nobody is to blame for nights that have not been yet.
            ahead = {gate.Code.TOO_EARLY, gate.Code.NOT_ENOUGH_NIGHTS}
            early = any(reason.code == gate.Code.TOO_EARLY for reason in verdict.reasons)
            against = [reason for reason in verdict.reasons if not early or reason.code not in ahead]
            if not against:
                return NOT_YET, (verdict.reasons[0].sentence,)
            return BLOCKED, tuple(reason.sentence for reason in against)
