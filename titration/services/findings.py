"""Judging patients by the rules, putting what is found on record, and answering it.

    fires for the first time        a new row, open
    fires again                     an open row follows its facts; an answered one stands as it was answered
    fires no more                   an open row expires, but an emergency and a stop wait for a person; an answered one
                                    is over, but one that was accepted and closes the dose goes on until it is set aside
    fires by a newer rule or part   an open row about the same thing is replaced

Judging twice changes nothing. What is found never acts: a person answers it.
"""

import json
import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerDown

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused, Stale
from common.rewriting import rewrite
from patients.models import Patient
from titration.engine.advice import judge as engine
from titration.engine.advice import quiet
from titration.engine.advice.book import Book
from titration.engine.advice.finding import Block, Offer
from titration.engine.advice.finding import Finding as Found
from titration.engine.advice.judge import Judgement, Step
from titration.models import Finding, Judged, PlanChange
from titration.selectors import cases
from titration.selectors import findings as findings_selectors
from titration.selectors import rules as rules_selectors

BATCH = 50
"""Patients judged in one transaction: their rows are held meanwhile, so that what they tell waits for less than a
second."""

log = logging.getLogger(__name__)


@transaction.atomic
def judge(*, patient_id: uuid.UUID, clinic_id: uuid.UUID | None, at: datetime) -> None:
    """Judge one patient on all that is known now. Twice changes nothing."""
    patients = Patient.objects.select_for_update(no_key=True).filter(id=patient_id, clinic_id=clinic_id)
    judge_held(list(patients), at=at)


@transaction.atomic
def judge_some(*, clinic_id: uuid.UUID, at: datetime, size: int = BATCH) -> int:
    """Judge up to so many patients of a clinic who are behind; how many. Those another worker holds are passed over."""
    rules = rules_selectors.rules_of(clinic_id)
    behind = findings_selectors.to_judge(
        clinic_id=clinic_id, rules_version=rules.book.version, settings_number=rules.number, at=at
    )
    patients = list(behind.select_for_update(of=("self",), no_key=True, skip_locked=True)[:size])
    try:
        with transaction.atomic():
            judge_held(patients, at=at, rules=rules)
    except Exception as error:  # noqa: BLE001  one patient must not keep the others of a batch from theirs, or come back for ever
        log.error("%s patients are judged one by one: %s", len(patients), type(error).__name__)
        for patient in patients:
            _judge_alone(patient, at=at, rules=rules)
    return len(patients)


def _judge_alone(patient: Patient, *, at: datetime, rules: rules_selectors.Rules) -> None:
    try:
        with transaction.atomic():
            judge_held([patient], at=at, rules=rules)
    except Exception as error:  # noqa: BLE001  as above
        log.error("patient %s cannot be judged: %s", patient.id, type(error).__name__)
        writing = _Writing(at)
        writing.note(patient, _unread(patient, at), Judged.objects.filter(patient=patient).first(), rules)
        writing.write(patient.clinic_id)


def judge_held(patients: Sequence[Patient], *, at: datetime, rules: rules_selectors.Rules | None = None) -> None:
    """Judge patients of one clinic whose rows the caller's transaction holds."""
    if not patients:
        return
    rules = rules or rules_selectors.rules_of(patients[0].clinic_id)
    built = cases.cases_of(patients, at=at)
    standing = _standing(patients)
    judged = {row.patient_id: row for row in Judged.objects.filter(patient__in=list(patients))}
    writing = _Writing(at)
    for patient in patients:
        outcome = _outcome(patient, built[patient.id], rules.book, standing[patient.id], at)
        if outcome.judgement is not None:
            writing.settle(patient, outcome, standing[patient.id])
        writing.note(patient, outcome, judged.get(patient.id), rules)
    writing.write(patients[0].clinic_id)


@dataclass(frozen=True)
class _Outcome:
    """What the rules say of a patient and from which date on they may say otherwise; no judgement where the record
    could not be read, and no date where none will change anything. `kept` are the rows that no rule finds any more and
    that stand all the same.
    """

    judgement: Judgement | None
    prescription_id: uuid.UUID | None
    again_on: date | None
    kept: frozenset[uuid.UUID] = frozenset()


def _outcome(patient: Patient, build: cases.Builder, book: Book, standing: Sequence[Finding], at: datetime) -> _Outcome:
    if patient.care_ended_at is not None:
        waiting = frozenset(row.id for row in standing if _waits_for_a_person(row))
        return _Outcome(Judgement((), Step.CLOSED, ()), None, None, waiting)
    try:
        known = build()
        # What was dismissed closes nothing, nor does what asked for one question and was accepted.
        aside = frozenset(row.key for row in standing if row.closes_nothing)
        found = engine.judge(known.case, book, set_aside=aside)
        kept = _kept(standing, found, known)
        still = tuple(as_found(row) for row in kept)
        if still:
            found = engine.judge(known.case, book, set_aside=aside, kept=still)
        again_on = quiet.until(known.case, book, found, set_aside=aside, kept=still)
    except Exception as error:  # noqa: BLE001  one record that cannot be read must not keep the others from theirs
        log.error("patient %s cannot be judged: %s", patient.id, type(error).__name__)
        return _unread(patient, at)
    prescription_id = known.prescription.id if known.prescription else None
    return _Outcome(found, prescription_id, again_on, frozenset(row.id for row in kept))


def _kept(standing: Sequence[Finding], judgement: Judgement, known: cases.Known) -> list[Finding]:
    """The rows that no rule finds any more and that stand all the same: no date answers an emergency or a stop."""
    keys = {one.key for one in judgement.findings}
    newer: dict[tuple[str, str], date] = {}
    for one in judgement.findings:
        newer[one.rule, one.part] = max(one.day, newer.get((one.rule, one.part), one.day))
    return [
        row
        for row in standing
        if row.key not in keys
        and newer.get((row.rule, row.part), row.day) <= row.day
        and (_waits_for_a_person(row) or _waits_for_a_prescriber(row, known))
    ]


def _waits_for_a_person(row: Finding) -> bool:
    return row.state == Finding.State.OPEN and findings_selectors.waits_for_a_person(row)


def _waits_for_a_prescriber(row: Finding, known: cases.Known) -> bool:
    """Whether the advice was taken and the dose closed with it: until a prescriber sets the alert aside and says why,
    as after a test that shows nothing, or the course ends.
    """
    accepted = row.state == Finding.State.ACCEPTED and findings_selectors.waits_for_a_person(row)
    return accepted and Block.DOSE.value in row.blocks and not known.case.ended


def as_found(row: Finding) -> Found:
    """A row as the rules read it beside what they find themselves."""
    return Found(
        rule=row.rule,
        version=row.rule_version,
        part=row.part,
        key=row.key,
        tier=row.severity,
        day=row.day,
        sentence=row.sentence,
        patient_sentence=row.patient_sentence,
        blocks=frozenset(map(Block, row.blocks)),
        data=row.data,
        used=row.used,
        offers=tuple(map(Offer, row.offers)),
    )


def _unread(patient: Patient, at: datetime) -> _Outcome:
    """Nobody knows; the next midnight may tell."""
    return _Outcome(None, None, at.astimezone(patient.zone).date() + timedelta(days=1))


def _standing(patients: Iterable[Patient]) -> dict[uuid.UUID, list[Finding]]:
    rows: dict[uuid.UUID, list[Finding]] = defaultdict(list)
    for row in Finding.objects.filter(patient__in=list(patients)).standing():
        rows[row.patient_id].append(row)
    return rows


_FOLLOWS = (
    *("prescription_id", "rule_version", "tier", "place", "day", "sentence", "patient_sentence", "data_sealed"),
    *("blocks", "used", "offers"),
)
"""What of an open row follows its facts."""

_KEPT_OF_A_FINDING = (*(name.removesuffix("_id") for name in _FOLLOWS), "state", "closed_at", "over_at", "version")
_KEPT_OF_A_JUDGING = (
    *("change_sequence", "judged_on", "judged_at", "again_at"),
    *("rules_version", "settings_number", "step"),
)


class _Writing:
    """What a judging changes, gathered and then written in a few statements."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.new: list[Finding] = []
        self.changed: list[Finding] = []
        self.first_judged: list[Judged] = []
        self.judged_again: list[Judged] = []

    def settle(self, patient: Patient, outcome: _Outcome, standing: Sequence[Finding]) -> None:
        """Bring a patient's rows to what was found."""
        prescription_id = outcome.prescription_id
        found = {one.key: one for one in outcome.judgement.findings} if outcome.judgement else {}
        replaced = {name for one in found.values() for name in _about(one.rule, one.part, one.key)}
        kept: set[str] = set()
        for row in standing:
            one = found.get(row.key)
            if row.id in outcome.kept:
                kept.add(row.key)
            elif one is None:
                self._fires_no_more(row, replaced=not replaced.isdisjoint(_about(row.rule, row.part, row.key)))
            elif row.state == Finding.State.OPEN and row.rule_version == one.version:
                kept.add(row.key)
                self._follow(row, one, prescription_id)
            elif row.state == Finding.State.OPEN:
                self._close(row, Finding.State.SUPERSEDED)
            elif _still_answered(row, one):
                kept.add(row.key)
            else:
                row.over_at = self.at
                self.changed.append(row)
        self.new += [_row(patient, prescription_id, one, self.at) for key, one in found.items() if key not in kept]

    def note(self, patient: Patient, outcome: _Outcome, row: Judged | None, rules: rules_selectors.Rules) -> None:
        """How far the patient has been judged."""
        today = self.at.astimezone(patient.zone).date()
        columns: dict[str, Any] = {
            "change_sequence": patient.change_sequence,
            "judged_on": today,
            "again_at": _midnight(outcome.again_on, patient) if outcome.again_on else None,
            "rules_version": rules.book.version,
            "settings_number": rules.number,
            "step": outcome.judgement.step.value if outcome.judgement else Step.UNKNOWN.value,
        }
        if row is None:
            self.first_judged.append(Judged(clinic_id=patient.clinic_id, patient=patient, judged_at=self.at, **columns))
        elif any(getattr(row, name) != value for name, value in columns.items()):
            for name, value in columns.items():
                setattr(row, name, value)
            row.judged_at = self.at
            self.judged_again.append(row)

    def write(self, clinic_id: uuid.UUID) -> None:
        # First what closes: a key may be raised anew in the same breath.
        rewrite(self.changed, _KEPT_OF_A_FINDING, clinic_id=clinic_id)
        Finding.objects.bulk_create(self.new)
        Judged.objects.bulk_create(self.first_judged)
        rewrite(self.judged_again, _KEPT_OF_A_JUDGING, clinic_id=clinic_id)

    def _follow(self, row: Finding, one: Found, prescription_id: uuid.UUID | None) -> None:
        wanted = _columns(one, prescription_id)
        if all(getattr(row, name) == wanted[name] for name in _FOLLOWS):
            return
        for name in _FOLLOWS:
            setattr(row, name, wanted[name])
        row.version += 1
        self.changed.append(row)

    def _fires_no_more(self, row: Finding, *, replaced: bool) -> None:
        if row.state == Finding.State.OPEN:
            self._close(row, Finding.State.SUPERSEDED if replaced else Finding.State.EXPIRED)
            return
        row.over_at = self.at
        self.changed.append(row)

    def _close(self, row: Finding, state: str) -> None:
        row.state, row.closed_at, row.over_at = state, self.at, self.at
        row.version += 1
        self.changed.append(row)


def _about(rule: str, part: str, key: str) -> tuple[tuple[str, str], ...]:
    """The names under which one finding takes another's place: of a rule the same thing (a key without its part); of
    what happened on a night, the same again on another.
    """
    same_thing = (rule, key.split(":", 2)[-1])
    return (same_thing, (rule, f"part {part}")) if rule in _EVENTS else (same_thing,)


_EVENTS = frozenset({"R02", "R03", "R04", "R04b", "R20", "R31"})
"""Rules of the first tiers that tell of what happened: a newer one of the same kind carries an older one on."""


def _still_answered(row: Finding, one: Found) -> bool:
    """Whether an answer covers what is found now: the same rule, not more urgent, closing nothing more."""
    return (
        row.rule_version == one.version
        and one.tier.place >= row.place
        and {block.value for block in one.blocks} <= set(row.blocks)
    )


def _row(patient: Patient, prescription_id: uuid.UUID | None, one: Found, at: datetime) -> Finding:
    return Finding(
        clinic_id=patient.clinic_id,
        patient=patient,
        rule=one.rule,
        part=one.part,
        key=one.key,
        raised_at=at,
        **_columns(one, prescription_id),
    )


def _columns(one: Found, prescription_id: uuid.UUID | None) -> dict[str, Any]:
    return {
        "prescription_id": prescription_id,
        "rule_version": one.version,
        "tier": one.tier.value,
        "place": one.tier.place,
        "day": one.day,
        "sentence": one.sentence,
        "patient_sentence": one.patient_sentence,
        "data_sealed": json.dumps(one.data, ensure_ascii=False, sort_keys=True),
        "blocks": sorted(block.value for block in one.blocks),
        "used": dict(one.used),
        "offers": [offer.value for offer in one.offers],
    }


def _midnight(on: date, patient: Patient) -> datetime:
    """The first moment of a date where the patient is."""
    return datetime.combine(on, time(), tzinfo=patient.zone)


@transaction.atomic
def accept(
    *, finding_id: uuid.UUID, seen_version: int, by: Actor, at: datetime, change: PlanChange | None = None
) -> Finding:
    """Take the advice: what was done of it is `change`, where it was a change of the plan."""
    finding = _held(finding_id, seen_version, by)
    if change is not None and change.prescription.patient_id != finding.patient_id:
        raise Refused("That change is of another patient's plan. Nothing was done.")
    return _answer(finding, Finding.State.ACCEPTED, by, at, accepted_by_change=change)


@transaction.atomic
def dismiss(
    *, finding_id: uuid.UUID, reason: str, seen_version: int, by: Actor, at: datetime, confirmed: bool = False
) -> Finding:
    """Set the advice aside, and say why, also after it was accepted: from then on it keeps nothing from happening.

    An emergency and a stop are a prescriber's to set aside. What keeps a first dose from being taken is set aside by
    who says a second time that it is meant: `confirmed` (clinical facts 2.1 and 2.3).
    """
    finding = _held(finding_id, seen_version, by, among=(Finding.State.OPEN, Finding.State.ACCEPTED))
    if finding.tier in findings_selectors.GRAVE:
        policy.check(by, policy.Permission.PRESCRIBE)
    if not reason.strip():
        raise Refused("Say why you set this aside, so that the next person understands.")
    if finding.closes_the_start and not confirmed:
        raise Refused("This keeps a first dose from being taken. Confirm once more that you mean to set it aside.")
    columns = {"closed_because": reason.strip(), "accepted_by_change": None}
    return _answer(finding, Finding.State.DISMISSED, by, at, **columns)


@transaction.atomic
def answered_elsewhere(
    *,
    patient: Patient,
    answers: Callable[[Finding], bool],
    by: Actor,
    at: datetime,
    change: PlanChange | None = None,
) -> None:
    """Accept, with the deed, what a deed of the clinic has just answered, and judge the patient anew: what it was about
    is over, and what still fires is asked anew.
    """
    held = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    waiting = (Finding.State.OPEN, Finding.State.ACCEPTED)
    for row in Finding.objects.filter(patient=held, state__in=waiting).standing():
        if not answers(row):
            continue
        if row.state == Finding.State.OPEN:
            row.state, row.closed_at, row.accepted_by_change = Finding.State.ACCEPTED, at, change
            row.closed_by_id, row.closed_by_label = by.user_id, by.label
            details = {"rule": row.rule, "tier": row.tier}
            audit.record(by=by, at=at, action="finding.accepted", patients=[held.id], subject=row.id, details=details)
        row.over_at = at
        row.version += 1
        row.save()
    judge_held([held], at=at)


def _answer(finding: Finding, state: str, by: Actor, at: datetime, **columns: Any) -> Finding:
    finding.state, finding.closed_at = state, at
    finding.closed_by_id, finding.closed_by_label = by.user_id, by.label
    for name, value in columns.items():
        setattr(finding, name, value)
    finding.version += 1
    finding.save(
        update_fields=[
            "state",
            "closed_at",
            "closed_by",
            "closed_by_label",
            "closed_because",
            "accepted_by_change",
            "version",
        ]
    )
    details = {"rule": finding.rule, "tier": finding.tier}
    audit.record(
        by=by, at=at, action=f"finding.{state}", patients=[finding.patient_id], subject=finding.id, details=details
    )
    # What the step waits for may be another thing now.
    judge_held([finding.patient], at=at)
    return finding


def _held(finding_id: uuid.UUID, seen_version: int, by: Actor, among: Sequence[str] = (Finding.State.OPEN,)) -> Finding:
    """The finding, held with its patient, if it is still as the person saw it, still so, and in one of these states."""
    policy.check(by, policy.Permission.HOLD)
    known = findings_selectors.visible_finding(by, finding_id)
    if known is None:
        raise Refused("No alert of yours to answer. Nothing was done.")
    # The patient first, as when they are judged.
    patient = Patient.objects.select_for_update(no_key=True).get(id=known.patient_id, clinic_id=by.clinic_id)
    finding: Finding = Finding.objects.select_for_update(no_key=True).get(id=finding_id, clinic_id=by.clinic_id)
    finding.patient = patient
    if finding.over_at is not None:
        raise Stale("What this alert was about is no longer so. Look at the patient's page again.")
    if finding.state not in among:
        raise Stale(f"{finding.closed_by_label} has answered this alert already. Look at the patient's page again.")
    if finding.version != seen_version:
        raise Stale("More has been told since you opened the page. Read the alert again before you answer it.")
    return finding


def ring(patient_id: uuid.UUID, clinic_id: uuid.UUID) -> None:
    """Ask a worker, once this transaction stands, to judge a patient now. A lost message delays it until the tick."""
    transaction.on_commit(lambda: _ring(patient_id, clinic_id), robust=True)


def _ring(patient_id: uuid.UUID, clinic_id: uuid.UUID) -> None:
    """Tell a worker, by ids only. A queue that does not answer at once is left to the tick."""
    with current_app.connection_for_write() as broker:
        try:
            broker.ensure_connection(max_retries=0)
            current_app.send_task("titration.judge", [str(patient_id), str(clinic_id)], connection=broker)
        except (BrokerDown, *broker.connection_errors) as error:
            log.warning("patient %s waits to be judged: %s", patient_id, type(error).__name__)
