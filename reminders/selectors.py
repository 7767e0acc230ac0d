"""Questions about the bell: whether it lives, what was said, what nobody knows. Times are compared with `at`."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Min, Prefetch, Q, QuerySet

from accounts.actors import Actor
from patients import selectors as patients_selectors
from patients.models import Patient
from reminders.door import Answer
from reminders.models import Attempt, Breaker, Heartbeat, Occurrence, Reminder, UrgentItem, UrgentNotice
from reminders.states import State

ROUND_MAX_AGE = timedelta(seconds=120)
DUE_MAX_AGE = timedelta(minutes=5)
UNCERTAIN_MAX_AGE = timedelta(hours=24)
LOOKED_BACK = timedelta(days=7)
DOUBTED = timedelta(days=30)
"""So long a reminder that may not have arrived stays on the day's list."""
SKIPPED = Occurrence.State.SKIPPED_OUTAGE.value

STATE_WORDS = {
    State.PENDING: "waiting",
    State.CLAIMED: "being sent",
    State.SENDING: "being sent",
    State.SENT: "sent",
    State.FAILED: "failed",
    State.UNCERTAIN: "may not have arrived",
    State.EXPIRED: "too late, not sent",
    State.CANCELLED: "not needed any more",
    SKIPPED: "not sent: reminders were not running",
}
REASON_WORDS = {
    Answer.NO_CONSENT: "the patient does not want reminders by e-mail",
    Answer.NO_ADDRESS: "no e-mail address is known",
    Answer.ADDRESS_FAILED: "the e-mail address takes no mail",
    Answer.NO_OPEN_COURSE: "the plan is stopped",
    Answer.OPIOID_REPORT_OPEN: "an opioid report waits for an answer",
    Answer.DOSE_CLOSED: "an alert says to take no dose",
    Answer.NO_STEP_THEN: "the step was moved",
    Answer.ALREADY_TOLD: "the night was already told",
    Answer.ALREADY_READ: "the patient has read it already",
    Answer.NOT_ASKED_THEN: "the plan had not begun or was over",
    "lease_lapsed": "the sender died while handing it over",
    "already_opened": "somebody had opened it",
    "left": "they no longer work here",
}


def last_pulse(name: str) -> datetime | None:
    """When this part of the clock was last alive."""
    return Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()


def urgent_trouble(*, at: datetime) -> str:
    """What is wrong with telling of what is urgent, in a sentence; "" when nothing is. All clinics read it: it says
    neither whose nor how many.
    """
    pulse = Heartbeat.objects.filter(name=Heartbeat.Name.URGENT).first()
    if pulse is None or at - pulse.at > ROUND_MAX_AGE:
        return "Nobody is being told of what is urgent."
    if pulse.oldest_due_at is None:
        return ""
    minutes = _seconds(at - pulse.oldest_due_at) // 60
    return f"Something urgent lies unopened for {minutes} min: everybody on its list was told and has had their time."


@dataclass(frozen=True, kw_only=True)
class ClockState:
    """Whether the bell is alive, for a page that someone reads; `trouble` says in sentences what is not."""

    last_round_at: datetime | None
    last_beat_at: datetime | None
    last_worker_at: datetime | None
    oldest_due_at: datetime | None
    mail_rests_until: datetime | None
    trouble: tuple[str, ...]

    @property
    def alive(self) -> bool:
        return not self.trouble


def clock_state(*, at: datetime) -> ClockState:
    """The state of the whole machinery, which all clinics share, as the last round left it."""
    pulses = {pulse.name: pulse for pulse in Heartbeat.objects.all()}
    last_round = pulses.get(Heartbeat.Name.ROUND)
    oldest_due_at = last_round and last_round.oldest_due_at
    rests_until = Breaker.objects.filter(open_until__gt=at).aggregate(until=Min("open_until"))["until"]
    sentences = (
        _of_the_round(_last(pulses, Heartbeat.Name.ROUND), at),
        _of_the_mail(rests_until),
        _of_the_due(oldest_due_at, at),
        _of_the_uncertain(last_round and last_round.oldest_doubt_at, at),
    )
    return ClockState(
        last_round_at=_last(pulses, Heartbeat.Name.ROUND),
        last_beat_at=_last(pulses, Heartbeat.Name.BEAT),
        last_worker_at=_last(pulses, Heartbeat.Name.WORKER),
        oldest_due_at=oldest_due_at,
        mail_rests_until=rests_until,
        trouble=tuple(sentence for sentence in sentences if sentence),
    )


def trouble(*, at: datetime) -> list[str]:
    """Sentences about what is wrong with the rounds; empty when nothing is."""
    return list(clock_state(at=at).trouble)


def _of_the_round(last: datetime | None, at: datetime) -> str:
    if last is None:
        return "No round has ever been made: reminders are not being sent."
    age = at - last
    return f"No round for {_seconds(age)} s: reminders are not being sent." if age > ROUND_MAX_AGE else ""


def _of_the_mail(rests_until: datetime | None) -> str:
    return f"The mail server does not answer; it is tried again at {rests_until:%H:%M:%S} UTC." if rests_until else ""


def _of_the_due(oldest: datetime | None, at: datetime) -> str:
    if oldest is None or at - oldest <= DUE_MAX_AGE:
        return ""
    return f"A reminder has been waiting for {_seconds(at - oldest) // 60} min."


def _of_the_uncertain(since: datetime | None, at: datetime) -> str:
    # No number: all clinics read this, and how many are another's is none of their business.
    if since is None or at - since <= UNCERTAIN_MAX_AGE:
        return ""
    return "A reminder may not have arrived and nobody has looked into it for a day."


def _last(pulses: dict[str, Heartbeat], name: Heartbeat.Name) -> datetime | None:
    return pulses[name].at if name in pulses else None


def _seconds(age: timedelta) -> int:
    return max(0, round(age.total_seconds()))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that was to be said to one patient, and what became of it. `reminder_id` is None after an outage."""

    occurrence_id: uuid.UUID
    reminder_id: uuid.UUID | None
    patient_id: uuid.UUID
    patient_name: str
    kind: str
    about_on: date
    due_at: datetime
    zone: ZoneInfo
    state: str
    state_words: str
    reason: str
    attempts: int
    done_at: datetime | None

    @property
    def uncertain(self) -> bool:
        return self.state == State.UNCERTAIN

    @property
    def key(self) -> str:
        return f"{self.due_at.isoformat()}|{self.occurrence_id}"


def uncertain(actor: Actor, *, limit: int = 200) -> list[Line]:
    """What nobody knows about the actor's patients, longest first: it belongs on top of the page."""
    rows = _of(actor).filter(reminders__state=State.UNCERTAIN).order_by("due_at", "id")
    return _lines(rows, limit)


def page_of(actor: Actor, *, at: datetime, after: str = "", state: str = "", size: int = 50) -> tuple[list[Line], str]:
    """One keyset page of what was due by `at`, newest first, without what is uncertain; and the key of the next page
    ("" if it is the last). `state` narrows to one state.
    """
    rows = _of(actor).filter(due_at__lte=at).exclude(reminders__state=State.UNCERTAIN)
    if state == SKIPPED:
        rows = rows.filter(state=SKIPPED)
    elif state:
        rows = rows.filter(reminders__state=state)
    if after:
        rows = _before(rows, after)
    found = _lines(rows.order_by("-due_at", "-id"), size + 1)
    return found[:size], found[size - 1].key if len(found) > size else ""


def counts(actor: Actor, *, at: datetime) -> dict[str, int]:
    """How many of the last seven days' reminders are in each state; what is uncertain is counted however old."""
    recent = _of(actor).filter(due_at__lte=at, due_at__gt=at - LOOKED_BACK)
    by_state = recent.values_list("state", "reminders__state").annotate(many=Count("id"))
    found: dict[str, int] = dict.fromkeys([*State, SKIPPED], 0)
    for occurrence_state, reminder_state, many in by_state:
        found[reminder_state or occurrence_state] += many
    found[State.UNCERTAIN] = _of(actor).filter(reminders__state=State.UNCERTAIN).count()
    return found


def reminder_of(actor: Actor, reminder_id: uuid.UUID) -> Reminder | None:
    """This reminder, if its patient is one the actor may know of."""
    visible = patients_selectors.visible_to(actor)
    found = Reminder.objects.filter(id=reminder_id, occurrence__patient__in=visible)
    return found.select_related("occurrence__patient").first()


def in_trouble(actor: Actor, among: QuerySet[Patient], *, at: datetime) -> QuerySet[Attempt]:
    """The tries to reach these patients that failed in the last week or may not have arrived in the last month, and
    that nobody has looked into. Found by what was tried: the outbox itself has no index of it, so that claiming a
    reminder stays a change in place.
    """
    failed = Q(outcome=Attempt.Outcome.FAILED, at__gt=at - LOOKED_BACK)
    unknown = Q(outcome=Attempt.Outcome.UNCERTAIN, at__gt=at - DOUBTED)
    return Attempt.objects.filter(
        failed | unknown,
        clinic_id=actor.clinic_id,
        at__gt=at - DOUBTED,
        outcome__in=(Attempt.Outcome.FAILED, Attempt.Outcome.UNCERTAIN),
        reminder__state=F("outcome"),
        reminder__settled_by=None,
        reminder__occurrence__patient__in=among,
    )


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A reminder that did not reach a patient, or may not have."""

    patient_id: uuid.UUID
    kind: str
    about_on: date
    at: datetime
    uncertain: bool
    reason: str


def troubles(actor: Actor, *, at: datetime, patients: Collection[uuid.UUID]) -> list[Trouble]:
    """What did not reach these patients, oldest first, in one statement."""
    known = patients_selectors.visible_to(actor).filter(id__in=list(patients))
    rows = in_trouble(actor, known, at=at).select_related("reminder__occurrence").order_by("at", "id")
    return [
        Trouble(
            patient_id=row.reminder.occurrence.patient_id,
            kind=row.reminder.occurrence.get_kind_display(),
            about_on=row.reminder.occurrence.about_on,
            at=row.at,
            uncertain=row.outcome == Attempt.Outcome.UNCERTAIN,
            reason=reason_words(row.error_class),
        )
        for row in rows
    ]


def _of(actor: Actor) -> QuerySet[Occurrence]:
    # The clinic stands in the index that orders the page; who is visible is still asked.
    return Occurrence.objects.filter(clinic_id=actor.clinic_id, patient__in=patients_selectors.visible_to(actor))


def _before(rows: QuerySet[Occurrence], key: str) -> QuerySet[Occurrence]:
    due, _, last_id = key.rpartition("|")
    try:
        due_at, occurrence_id = datetime.fromisoformat(due), uuid.UUID(last_id)
    except ValueError:
        return rows.none()
    if due_at.tzinfo is None:
        return rows.none()
    return rows.filter(Q(due_at__lt=due_at) | Q(due_at=due_at, id__lt=occurrence_id))


def _lines(rows: QuerySet[Occurrence], limit: int) -> list[Line]:
    with_reminders = rows.annotate(
        reminder_id=F("reminders__id"),
        reminder_state=F("reminders__state"),
        error_class=F("reminders__error_class"),
        attempts=F("reminders__attempts"),
        done_at=F("reminders__done_at"),
    )
    return [_line(row) for row in with_reminders.select_related("patient")[:limit]]


def _line(row: Occurrence) -> Line:
    state = row.reminder_state or row.state
    return Line(
        occurrence_id=row.id,
        reminder_id=row.reminder_id,
        patient_id=row.patient_id,
        patient_name=row.patient.name,
        kind=row.get_kind_display(),
        about_on=row.about_on,
        due_at=row.due_at,
        zone=ZoneInfo(row.zone_name),
        state=state,
        state_words=STATE_WORDS[state],
        reason=reason_words(row.error_class or ""),
        attempts=row.attempts or 0,
        done_at=row.done_at,
    )


def reason_words(error_class: str) -> str:
    """Why, in words; of what only a programmer understands, its name."""
    if error_class in REASON_WORDS:
        return REASON_WORDS[error_class]
    if error_class.startswith("SMTP "):
        return f"the mail server refused it ({error_class.removeprefix('SMTP ')})"
    return f"it could not be written or its fate was not told ({error_class})" if error_class else ""


def urgent_items(actor: Actor, *, limit: int = 100) -> list[UrgentItem]:
    """What is urgent among the actor's patients and not answered, what nobody has opened first, longest first, with
    patient, opener and notices.
    """
    visible = patients_selectors.visible_to(actor)
    rows = UrgentItem.objects.filter(clinic_id=actor.clinic_id, closed_at=None, patient__in=visible)
    notices = UrgentNotice.objects.filter(clinic_id=actor.clinic_id).select_related("user").order_by("planned_at")
    with_people = rows.select_related("patient", "opened_by").prefetch_related(Prefetch("notices", notices))
    return list(with_people.order_by(F("opened_at").asc(nulls_first=True), "raised_at", "id")[:limit])


def urgent_item_of(actor: Actor, item_id: uuid.UUID) -> UrgentItem | None:
    """This urgent item, if its patient is one the actor may know of."""
    visible = patients_selectors.visible_to(actor)
    return UrgentItem.objects.filter(id=item_id, clinic_id=actor.clinic_id, patient__in=visible).first()


def unopened_of(actor: Actor, patient_id: uuid.UUID) -> list[UrgentItem]:
    """What is urgent about this patient and nobody has opened, longest first."""
    rows = UrgentItem.objects.filter(clinic_id=actor.clinic_id, patient_id=patient_id, closed_at=None, opened_at=None)
    visible = patients_selectors.visible_to(actor)
    return list(rows.filter(patient__in=visible).order_by("raised_at", "id"))
