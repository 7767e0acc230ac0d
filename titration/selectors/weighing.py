"""What a clinician weighs before a step: this week beside the nights before the first dose and the step before."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from patients.models import Patient
from symptoms import scoring
from symptoms import selectors as symptoms_selectors
from symptoms.models import DoseTaken, SymptomLog
from symptoms.selectors import LogRow
from titration.engine import evidence, gate, timeline
from titration.engine.advice import window
from titration.engine.advice.finding import Tier
from titration.engine.advice.opioids import CLARIFIED
from titration.engine.evidence import Mean
from titration.models import Finding, Prescription
from titration.selectors import courses, findings, reported

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One number of a night as it is now, before the first dose, and at the end of the step before (None: there was
    none).
    """

    now: Mean
    baseline: Mean
    before: Mean | None


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """The last seven nights of a course, in counts and means. `logged` counts the nights the gate counts: those that
    tell the dose, the sleep and the lead symptom. `worst` is (code, severity, night) of the worst side
    effect, `opioid_answers` the answers of these nights by how often, `differing` what was told otherwise than
    prescribed since the course began and nobody has looked into.
    """

    today: date
    first: date
    logged: int
    taken: int
    possible: int
    sleep: Compared
    lead: Compared
    worst: tuple[str, str, date] | None
    opioid_answers: Mapping[str, int]
    differing: tuple[evidence.Differing, ...]
    verdict: gate.Verdict


def weigh(prescription: Prescription, in_force: timeline.Timeline, *, at: datetime) -> Weighed:
    """What there is to weigh, in a handful of statements. `prescription` with its patient and its changes."""
    today = courses.patient_today(prescription, at=at)
    week = today - evidence.NIGHTS * _ONE_DAY
    first_dose_on = next((s.from_on for s in in_force if s.dose is not None), today)
    before = _step_before(in_force, today)
    before_first = before.first if before else week
    baseline_first = first_dose_on - window.BASELINE_WITHIN * _ONE_DAY
    since = min(week, baseline_first, before_first)
    logs, doses = symptoms_selectors.told_rows(prescription.patient, since=since)
    now = _between(logs, week, today)
    run_in = [] if prescription.first_dose else _between(logs, baseline_first, first_dose_on)
    baseline = [log for log in run_in if _tells(log)][-evidence.NIGHTS :]
    earlier = _between(logs, before.first, before.end) if before else None
    this_week = [row for row in doses if week <= row.plan_date < today]
    return Weighed(
        today=today,
        first=week,
        logged=len([log for log in now if _counts(log, this_week)]),
        taken=len({row.plan_date for row in this_week if row.taken == DoseTaken.Taken.TAKEN}),
        possible=evidence.NIGHTS,
        sleep=_compared("sleep_hours", now, baseline, earlier),
        lead=_compared("lead_symptom", now, baseline, earlier),
        worst=_worst(now),
        opioid_answers=_answers(now),
        differing=differing_of(prescription, in_force, today=today),
        verdict=courses.gate_of(prescription, at=at),
    )


def differing_of(
    prescription: Prescription, in_force: timeline.Timeline, *, today: date
) -> tuple[evidence.Differing, ...]:
    """What was told otherwise than prescribed up to today, however long ago, and nobody has looked into."""
    patients = [prescription.patient_id]
    rows = reported.told_otherwise(patients, clarified=reported.clarified(patients))
    return reported.differing(in_force, rows.get(prescription.patient_id, ()), end=today + _ONE_DAY)


@dataclass(frozen=True, slots=True)
class Asked:
    """What waits for somebody to say what was really taken: doses told otherwise, and alerts in their sentences."""

    differing: tuple[evidence.Differing, ...]
    alerts: tuple[str, ...]

    @property
    def is_any(self) -> bool:
        return bool(self.differing or self.alerts)

    @property
    def fingerprint(self) -> str:
        """Of all of it: who answers it shows by this what they have seen."""
        doses = [(one.on.isoformat(), str(one.told), str(one.prescribed)) for one in self.differing]
        return hashlib.sha256(json.dumps([doses, self.alerts]).encode()).hexdigest()


def asked_of(prescription: Prescription, in_force: timeline.Timeline, *, today: date) -> Asked:
    """What of this course waits for somebody to say what was really taken."""
    alerts = Finding.objects.filter(patient=prescription.patient_id, rule="R15", part__in=CLARIFIED).standing()
    sentences = tuple(sorted(one.sentence for one in alerts.waiting()))
    return Asked(differing_of(prescription, in_force, today=today), sentences)


def alerts_of(patient: Patient) -> list[str]:
    """What is open about the patient, in sentences; what R09 says of the step is a summary of the others."""
    return [finding.sentence for finding in findings.open_of(patient) if finding.tier != Tier.STEP]


@dataclass(frozen=True)
class _Span:
    first: date
    end: date


def _step_before(in_force: timeline.Timeline, today: date) -> _Span | None:
    """The last seven nights of the dose before the one in force."""
    taken = [s for s in in_force if s.dose is not None and s.from_on <= today]
    if not taken:
        return None
    current = taken[-1]
    runs = [s for s in taken if (s.dose, s.rung) != (current.dose, current.rung)]
    if not runs:
        return None
    last = runs[-1]
    end = last.to_on or today
    return _Span(max(last.from_on, end - evidence.NIGHTS * _ONE_DAY), end)


def _tells(log: LogRow) -> bool:
    """Whether a night before the first dose is one of the baseline, as the rules count it (`window.baseline`)."""
    sleep = (log.sleep_hours, log.latency_min, log.awake_min, log.quality)
    return any(one is not None for one in (*sleep, log.lead_symptom, log.pain))


def _counts(log: LogRow, doses: Sequence[DoseTaken]) -> bool:
    taken = next((row.taken for row in doses if row.plan_date == log.night), None)
    return scoring.counts_as_log(taken=taken, sleep_hours=log.sleep_hours, lead_symptom=log.lead_symptom)


def _between(logs: Sequence[LogRow], first: date, end: date) -> list[LogRow]:
    return [log for log in logs if first <= log.night < end]


def _compared(column: str, now: Sequence[Any], baseline: Sequence[Any], before: Sequence[Any] | None) -> Compared:
    return Compared(
        now=_mean(now, column),
        baseline=_mean(baseline, column),
        before=None if before is None else _mean(before, column),
    )


def _mean(logs: Sequence[Any], column: str) -> Mean:
    return evidence.mean([getattr(log, column) for log in logs])


_SEVERITIES = ("mild", "moderate", "severe")


def _worst(logs: Sequence[LogRow]) -> tuple[str, str, date] | None:
    told = [
        (severity, log.night, code)
        for log in logs
        for code, severity in log.side_effects.items()
        if severity in _SEVERITIES
    ]
    if not told:
        return None
    severity, night, code = max(told, key=lambda one: (_SEVERITIES.index(one[0]), one[1]))
    return code, severity, night


def _answers(logs: Sequence[LogRow]) -> dict[str, int]:
    counts = dict.fromkeys([*SymptomLog.OtherMedicines.values, ""], 0)
    for log in logs:
        counts[log.other_medicines_answer or ""] += 1
    return {answer: count for answer, count in counts.items() if count}
