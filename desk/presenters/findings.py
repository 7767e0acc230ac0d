"""What the rules found, in words: on the patient's page, on a page of its own, and among what was set aside."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse

from desk.presenters import rests
from desk.presenters.badges import Badge
from desk.presenters.days import day, day_short, moment
from desk.presenters.schedule import GRADES
from patients import screening, selectors_screening
from patients.models import ScreeningDecision
from titration.engine.advice.book import Book
from titration.engine.advice.finding import Block, Offer, Tier
from titration.engine.protocol import Grade
from titration.models import Finding
from titration.selectors.overrides import AFTERWARDS, Override

TIERS = {
    Tier.EMERGENCY: Badge("emergency", "danger", "stop"),
    Tier.STOP: Badge("stop", "danger", "stop"),
    Tier.SURGERY: Badge("procedure", "care", "care"),
    Tier.DECIDE: Badge("to decide", "care", "question"),
    Tier.HOLD: Badge("hold", "care", "hold"),
    Tier.STEP: Badge("step", "info", "up"),
    Tier.GOOD_NEWS: Badge("good news", "good", "check"),
    Tier.REVIEW: Badge("review", "info", "plan"),
    Tier.DATA: Badge("too little told", "info", "quiet"),
    Tier.ADMIN: Badge("to arrange", "info", "plan"),
    Tier.NOTE: Badge("note", "", "info"),
}
BLOCKS = {
    Block.START: "no first dose",
    Block.DOSE: "no next dose",
    Block.STEP: "no step up without a reason",
    Block.SAVE: "not saved as typed",
}
STATES = {
    Finding.State.OPEN: Badge("waits for an answer", "care", "clock"),
    Finding.State.ACCEPTED: Badge("accepted", "good", "check"),
    Finding.State.DISMISSED: Badge("set aside", "", "quiet"),
    Finding.State.EXPIRED: Badge("no longer so", "", "check"),
    Finding.State.SUPERSEDED: Badge("replaced by a newer one", "", "right"),
}
OFFERS: dict[Offer, tuple[str, str]] = {
    Offer.MORNING: ("Move to the morning", "desk:course_time"),
    Offer.STEP_BACK: ("Go back a step", "desk:course_step_back"),
    Offer.LOWER: ("Go to a lower dose", "desk:course_go_to"),
    Offer.STOP: ("Stop the plan", "desk:stop"),
    Offer.PAUSE: ("Pause the plan", "desk:course_pause"),
    Offer.HOLD: ("Hold at this dose", "desk:hold"),
    Offer.STAY: ("Stay at this dose", "desk:course_stay"),
    Offer.STEP_UP: ("Let the step happen", "desk:advance"),
    Offer.RESUME: ("Resume", "desk:course_resume"),
    Offer.RESTART: ("Restart after the gap", "desk:course_restart"),
    Offer.TRIAL_REDUCTION: ("Try a lower dose", "desk:course_trial"),
}
"""Advice that a change of the plan follows: the words of its button and the page it is signed on."""

WITHOUT_A_PAGE = {
    Offer.SKIP_AND_CALL: "have the patient skip the next dose, and call them",
    Offer.LABS: "laboratory tests",
    Offer.CALL: "call the patient",
    Offer.REFILL: "order a refill",
}
NURSES = frozenset({Offer.HOLD})
"""What whoever may hold may sign; the rest is a prescriber's."""


@dataclass(frozen=True)
class Way:
    """A page on which a change is signed that takes the advice."""

    words: str
    href: str


@dataclass(frozen=True)
class Datum:
    """One thing the rule looked at; `href` leads to the nights where it is one."""

    name: str
    value: str
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A finding, with everything it rests on."""

    id: uuid.UUID
    version: int
    title: str
    rule: str
    tier: Badge
    grave: bool
    state: Badge
    waits: bool
    stands: bool
    closes_the_dose: bool
    sentence: str
    patient_sentence: str
    blocks: str
    data: tuple[Datum, ...]
    used: tuple[Datum, ...]
    sources: str
    grade: str
    raised: str
    ways: tuple[Way, ...]
    others: str
    closed: str
    because: str


def alert(
    finding: Finding, book: Book, *, zone: ZoneInfo, may_hold: bool = False, may_prescribe: bool = False
) -> Alert:
    """The finding in words. The words of the rule are the book's of today, the sentence is the one that was found."""
    rule = book.rules.get(finding.rule)
    offers = [Offer(offer) for offer in finding.offers]
    # A hold goes on with the dose: where none is to be taken, a pause is the safe way.
    safe = Offer.PAUSE if Block.DOSE.value in finding.blocks else Offer.HOLD
    if Block.STEP.value in finding.blocks and safe not in offers:
        offers.append(safe)
    ways = [offer for offer in offers if may_prescribe or (may_hold and offer in NURSES)]
    waits = finding.state == Finding.State.OPEN
    return Alert(
        id=finding.id,
        version=finding.version,
        title=rule.title if rule else finding.rule,
        rule=f"{finding.rule} version {finding.rule_version}",
        tier=TIERS[Tier(finding.tier)],
        grave=finding.tier in (Tier.EMERGENCY, Tier.STOP),
        state=STATES[Finding.State(finding.state)],
        waits=waits,
        stands=waits or (finding.state == Finding.State.ACCEPTED and finding.over_at is None),
        closes_the_dose=Block.DOSE.value in finding.blocks,
        sentence=finding.sentence,
        patient_sentence=finding.patient_sentence,
        blocks=", ".join(words for block, words in BLOCKS.items() if block.value in finding.blocks),
        data=tuple(_data(finding)),
        used=tuple(_used(finding, book)),
        sources=", ".join(rule.sources) if rule else "",
        grade=_grade(rule.grade) if rule else "",
        raised=moment(finding.raised_at, zone),
        ways=tuple(_ways(finding, ways)) if waits else (),
        others=", ".join(WITHOUT_A_PAGE[offer] for offer in offers if offer in WITHOUT_A_PAGE),
        closed=_closed(finding, zone),
        because=finding.closed_because,
    )


def _grade(grade: str) -> str:
    return GRADES.get(Grade(grade), grade) if grade in {one.value for one in Grade} else grade


def _ways(finding: Finding, offers: Sequence[Offer]) -> Iterator[Way]:
    if finding.prescription_id is None:
        return
    carried = urlencode({"finding": str(finding.id), "seen": finding.version})
    for offer in offers:
        if offer in OFFERS:
            words, view = OFFERS[offer]
            yield Way(words, f"{reverse(view, args=[finding.prescription_id])}?{carried}")


def _closed(finding: Finding, zone: ZoneInfo) -> str:
    if finding.closed_at is None:
        return ""
    by = f" by {finding.closed_by_label}" if finding.closed_by_label else ""
    return f"{STATES[Finding.State(finding.state)].text}{by} on {moment(finding.closed_at, zone)}"


def _data(finding: Finding) -> Iterator[Datum]:
    for name, value in sorted(finding.data.items()):
        words, on = rests.named(name), _date(value)
        if not words or value in ("", []):
            continue
        if on is None:
            yield Datum(words, rests.amount(name, value) if isinstance(value, str) else _plain(value))
        else:
            yield Datum(words, day_short(on), _night(finding, on) if on <= finding.day else "")


def _night(finding: Finding, on: date) -> str:
    """Where this night stands among the nights of the patient's page."""
    page = reverse("desk:patient", args=[finding.patient_id])
    return f"{page}?before={on + timedelta(days=1):%Y-%m-%d}#night-{on:%Y-%m-%d}"


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value)
    return "not known" if value is None else str(value)


def _used(finding: Finding, book: Book) -> Iterator[Datum]:
    for name, value in finding.used.items():
        known = book.thresholds.get(name)
        yield Datum(known.meaning if known else name.replace("_", " "), f"{value} {known.unit}" if known else value)


@dataclass(frozen=True, kw_only=True)
class OverrideLine:
    """What was gone against, by whom and why, and what is on record of the fortnight after."""

    when: str
    who: str
    name: str
    patient_id: uuid.UUID
    what: str
    href: str
    reason: str
    afterwards: tuple[str, ...]
    waits: bool


def override_line(one: Override, book: Book, *, zone: ZoneInfo) -> OverrideLine:
    what, href = _gone_against(one, book)
    return OverrideLine(
        when=moment(one.at, zone),
        who=one.by_label,
        name=one.patient.name,
        patient_id=one.patient.id,
        what=what,
        href=href,
        reason=one.reason,
        afterwards=tuple(_afterwards(one)),
        waits=not one.afterwards.over and not one.afterwards.waits_for_a_plan,
    )


def _gone_against(one: Override, book: Book) -> tuple[str, str]:
    """What it was, and the page where it stands."""
    if one.finding is not None:
        return f"{one.finding.rule}: {one.finding.sentence}", reverse("desk:finding", args=[one.finding.id])
    if one.decision is not None:
        return f"The screening says stop: {_stop(one.decision)}", reverse(
            "desk:screening_results", args=[one.patient.id]
        )
    if one.unscreened is not None:
        return "A plan was to begin without a screening.", reverse("desk:screening", args=[one.patient.id])
    course = reverse("desk:course", args=[one.prescription_id])
    if one.signed is not None:
        return "R01: A plan was signed although an opioid on the list was not waited for.", course
    rules = f" against {', '.join(_titled(rule, book) for rule in one.rules)}" if one.rules else ""
    unknown = one.change is not None and one.change.gate.get("verdict") == "unknown"
    return f"A step was let happen{rules or (' on too few nights' if unknown else ' against the gate')}.", course


def _titled(code: str, book: Book) -> str:
    """A code never stands alone."""
    known = book.rules.get(code)
    return f"{code} ({known.title[:1].lower()}{known.title[1:]})" if known else code


def _stop(decision: ScreeningDecision) -> str:
    """The sentence of the stop, as the confirmed answers gave it."""
    row = decision.screening
    found = screening.results(screening.form(), row.answers, selectors_screening.about_from(row.about))
    return next((result.sentence for result in found if result.code == decision.code), "an answer to it.")


def _afterwards(one: Override) -> Iterator[str]:
    found = one.afterwards
    if found.waits_for_a_plan:
        yield "No dose was begun after it so far."
        return
    if found.begun_on:
        yield f"First dose on {day(found.begun_on)}."
    if found.raised_again_at:
        yield f"The same rule fired again on {day(found.raised_again_at.astimezone(one.patient.zone).date())}."
    if found.urgent and found.urgent_at:
        yield f"{found.urgent}, which cannot wait, fired on {day(found.urgent_at.astimezone(one.patient.zone).date())}."
    if found.lower_on:
        yield f"A lower dose from {day(found.lower_on)} on."
    if found.nothing_from_on:
        yield f"{'Stopped' if found.stopped else 'Nothing taken'} from {day(found.nothing_from_on)} on."
    if not (found.raised_again_at or found.urgent or found.lower_on or found.nothing_from_on):
        yield f"Nothing of the kind in the {AFTERWARDS.days} days after." if found.over else "Nothing so far."
