"""All rules over one case: what they find, in order of urgency, and whether the next step may happen.

    closed        an open finding blocks the step, or it is not due, or there is none
    unknown       nothing against it, but too few nights are told to say yes or no
    open          nothing against it and enough nights told

A lower rule never opens what a higher one closed: the step is open only where no finding at all closes it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from titration.engine import gate
from titration.engine.advice import arranging, body, doses, opioids, response, sleep, step
from titration.engine.advice.book import Book
from titration.engine.advice.case import Case
from titration.engine.advice.finding import Block, Finding, Offer, Step, Tier

Rule = Callable[[Case, Book], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found, the most urgent first; whether the step may happen, and why not, in sentences."""

    findings: tuple[Finding, ...]
    step: Step
    why: tuple[str, ...]


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most urgent first; of one tier by rule, then by what they are about."""
    return tuple(sorted(findings, key=lambda one: (one.tier.place, one.rule, one.part, one.key)))


RULES: tuple[Rule, ...] = (
    opioids.screening,
    opioids.start_block,
    opioids.on_therapy,
    opioids.withdrawal,
    opioids.extra_dose,
    body.liver,
    body.liver_tests,
    body.red_flags,
    body.thyroid,
    body.mood,
    body.crohn,
    body.colitis,
    body.spasticity,
    body.alcohol,
    body.stomach,
    sleep.sleep,
    sleep.dreams,
    response.worse_after_step,
    response.already_good,
    response.judged,
    response.long_stable,
    response.new_product,
    doses.missed,
    doses.surgery,
    doses.child,
    doses.few_nights,
    doses.supply,
    doses.typed,
    arranging.consent,
    arranging.labs,
    arranging.questionnaires,
)
"""Every rule but R09, which listens to all the others."""


def judge(
    case: Case, book: Book, *, set_aside: frozenset[str] = frozenset(), kept: tuple[Finding, ...] = ()
) -> Judgement:
    """All findings of a case, and the step. Those whose keys are `set_aside` were dismissed and close nothing.

    `kept` are findings on record that nobody has settled: they stand with the others, whether or not the nights they
    rest on are still looked at.
    """
    fresh = [one for rule in RULES for one in rule(case, book)]
    keys = {one.key for one in fresh}
    found = giving_way(in_order([*fresh, *(one for one in kept if one.key not in keys)]), book, set_aside)
    closing = [one for one in found if one.closes_the_step and one.key not in set_aside]
    verdict = gate.gate(step.facts(case, found))
    undecided = [one for one in found if one.tier is Tier.DATA and one.rule == "R10" and one.key not in set_aside]
    state, why = _stepping(closing, undecided, verdict)
    told = step.due(case, book, state, _against(closing, verdict, book))
    return Judgement(in_order([*found, *told]), state, why)


RISING = {Offer.STEP_UP: Block.STEP, Offer.RESUME: Block.DOSE, Offer.RESTART: Block.DOSE}
"""What is offered upwards, and what closes it."""


def giving_way(found: tuple[Finding, ...], book: Book, set_aside: frozenset[str]) -> tuple[Finding, ...]:
    """The same findings, without what a more urgent one has closed: nothing lower opens it again.

    A patient who is to take no dose is not told in the same breath how to take the next one, and a way up is not
    offered beside what closes it.
    """
    standing = [one for one in found if one.key not in set_aside]
    return tuple(_given_way(one, [other for other in standing if other.key != one.key], book) for one in found)


def _given_way(one: Finding, others: list[Finding], book: Book) -> Finding:
    no_dose = any(Block.DOSE in other.blocks for other in others)
    part = book.rules[one.rule].parts.get(one.part)
    said = "" if no_dose and part is not None and part.while_taken else one.patient_sentence
    closed = {block for other in others if other.tier.place < one.tier.place for block in other.blocks}
    offers = tuple(offer for offer in one.offers if RISING.get(offer) not in closed)
    return (
        one
        if (said, offers) == (one.patient_sentence, one.offers)
        else replace(one, patient_sentence=said, offers=offers)
    )


def _against(closing: list[Finding], verdict: gate.Verdict, book: Book) -> tuple[str, ...]:
    """What a step waits for beside its day and more nights told: those come by themselves.

    A finding speaks for itself and is named here, not said again.
    """
    reasons = verdict.reasons if isinstance(verdict, gate.Blocked) else ()
    passing = (gate.Code.TOO_EARLY, gate.Code.NOT_ENOUGH_NIGHTS, gate.Code.OPIOID_REPORTED)
    open_ones = dict.fromkeys(f"“{book.rules[one.rule].title}” is open." for one in closing)
    return (*open_ones, *(one.sentence for one in reasons if one.code not in passing))


def _stepping(closing: list[Finding], undecided: list[Finding], verdict: gate.Verdict) -> tuple[Step, tuple[str, ...]]:
    sentences = tuple(one.sentence for one in closing)
    unknown = tuple(one.sentence for one in undecided)
    match verdict:
        case gate.Blocked(reasons):
            hard = [why.sentence for why in reasons if why.code is not gate.Code.OPIOID_REPORTED]
            return Step.CLOSED, (*sentences, *hard)
        case gate.Unknown(reason):
            unknown = (*unknown, reason.sentence)
    if closing:
        return Step.CLOSED, (*sentences, *unknown)
    return (Step.UNKNOWN, unknown) if unknown else (Step.OPEN, ())
