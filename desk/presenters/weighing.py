"""The ready-to-step card: what speaks for and against a step, in words and numbers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.dose import Dose
from desk.presenters.badges import Badge
from desk.presenters.days import day, day_short
from desk.presenters.reasons import said
from desk.presenters.supply import amounts, not_made_of
from symptoms import items
from titration.engine import gate
from titration.engine.evidence import Mean, change
from titration.engine.stock import Standing
from titration.models import Prescription
from titration.selectors.supply import Supply
from titration.selectors.weighing import Compared, Weighed

ANSWERS = {"no": "No", "yes": "Yes", "unsure": "Not sure", "": "Not answered"}


@dataclass(frozen=True)
class Fact:
    """One line of the card; `care` where a clinician should look twice."""

    name: str
    said: str
    more: tuple[str, ...] = ()
    care: bool = False


@dataclass(frozen=True)
class Card:
    """A due step with what there is to weigh."""

    title: str
    due: str
    verdict: Badge
    why: tuple[str, ...]
    facts: tuple[Fact, ...]
    differs: bool

    @property
    def lines(self) -> Iterator[str]:
        """The card as plain text, line by line."""
        yield self.title
        yield f"{self.due} {self.verdict.text}."
        yield from self.why
        for fact in self.facts:
            # What follows the first words are whole sentences.
            yield " ".join((f"{fact.name}: {fact.said}." if fact.more else f"{fact.name}: {fact.said}", *fact.more))


def card(
    prescription: Prescription,
    weighed: Weighed,
    *,
    dose_now: Dose | None,
    supply: Supply,
    lead: str,
    findings: Sequence[str] = (),
) -> Card:
    verdict, why = said(weighed.verdict)
    return Card(
        title=f"{dose_now or 'No dose'} to {prescription.next_dose}" if prescription.next_dose else "No step is ahead",
        due=f"Due {day(prescription.next_due_on)}." if prescription.next_due_on else "Nothing falls due.",
        verdict=verdict,
        why=why,
        facts=tuple(_facts(prescription, weighed, supply, lead, findings, why)),
        differs=bool(weighed.differing),
    )


def _facts(
    prescription: Prescription,
    weighed: Weighed,
    supply: Supply,
    lead: str,
    findings: Sequence[str],
    why: Sequence[str],
) -> Iterator[Fact]:
    yield Fact(
        "Nights",
        f"{weighed.taken} of {weighed.possible} taken, {weighed.logged} of {weighed.possible} told",
        (f"{day_short(weighed.first)} to last night.",),
        care=weighed.logged < gate.NIGHTS_NEEDED or weighed.taken < weighed.logged - gate.MOST_NOT_TAKEN,
    )
    yield _reported(weighed)
    yield _compared("Sleep, hours", weighed.sleep, "longer", "shorter")
    yield _compared(f"{lead}, 0 to 10", weighed.lead, "worse", "better")
    yield _worst(weighed)
    yield _opioids(weighed)
    yield _in_hand(prescription, supply)
    if findings:
        others = tuple(sentence for sentence in findings if sentence not in why)
        above = ("What closes the step is said above.",) if len(others) < len(findings) else ()
        yield Fact("Open alerts", f"{len(findings)} open", (*above, *others), care=True)
    else:
        yield Fact("Open alerts", "None is open")


def _reported(weighed: Weighed) -> Fact:
    if not weighed.differing:
        return Fact("Reported against prescribed", "No other dose than prescribed was told")
    nights = tuple(f"{day_short(one.on)}: {one.told} told, {one.prescribed} prescribed." for one in weighed.differing)
    return Fact("Reported against prescribed", f"Another dose was told of {len(nights)} nights", nights, care=True)


def _compared(name: str, compared: Compared, more: str, less: str) -> Fact:
    beside = [_beside("the nights before the first dose", compared.now, compared.baseline, more, less)]
    if compared.before is not None:
        beside.append(_beside("the step before", compared.now, compared.before, more, less))
    return Fact(name, _mean(compared.now), tuple(beside))


def _mean(mean: Mean) -> str:
    if mean.value is None:
        return f"not enough nights ({mean.told} of {mean.possible})"
    return f"{mean.value} on average of {mean.told} nights"


def _beside(what: str, now: Mean, then: Mean, more: str, less: str) -> str:
    by = change(now, then)
    if then.value is None:
        return f"No comparison with {what}: {then.told} of {then.possible} nights told."
    if by is None:
        return f"{then.value} in {what}."
    return f"{then.value} in {what}: {_by(by, more, less)}."


def _by(by: Decimal, more: str, less: str) -> str:
    if not by:
        return "the same now"
    return f"{abs(by)} {more if by > 0 else less} now"


def _worst(weighed: Weighed) -> Fact:
    if weighed.worst is None:
        nothing = "None was told" if weighed.logged else "Nothing was told"
        return Fact("Worst side effect", nothing)
    code, severity, night = weighed.worst
    name = items.side_effects().get(code, code)
    return Fact("Worst side effect", f"{name}, {severity}, {day_short(night)}", care=severity != "mild")


def _opioids(weighed: Weighed) -> Fact:
    told = ", ".join(
        f"{ANSWERS.get(answer, answer)} on {_nights(count)}" for answer, count in weighed.opioid_answers.items()
    )
    other = any(answer not in ("no", "") for answer in weighed.opioid_answers)
    return Fact("Asked about opioids", told or "Not asked in these nights", care=other)


def _nights(count: int) -> str:
    return f"{count} {'night' if count == 1 else 'nights'}"


def _in_hand(prescription: Prescription, supply: Supply) -> Fact:
    standing = supply.standing
    if standing is None:
        return Fact("In hand for the next step", "No fill is recorded", care=True)
    left = amounts(standing.left) or "nothing"
    return Fact(
        "In hand for the next step",
        f"{left} left",
        tuple(_reach(prescription, standing)),
        care=standing.short_by_next_step or not standing.left,
    )


def _reach(prescription: Prescription, standing: Standing) -> Iterable[str]:
    if prescription.next_dose is not None and standing.left:
        sentence = not_made_of(prescription.next_dose, tuple(standing.left))
        yield sentence or f"{prescription.next_dose} can be made of it."
    if standing.short_by_next_step:
        yield "It does not reach into the next step."
    elif standing.run_out_on is not None:
        yield f"By the steps intended it is short from {day(standing.run_out_on)} on."
