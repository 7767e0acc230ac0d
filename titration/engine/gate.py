"""May the next step happen? One answer, asked by the deed, by the system's own round and by the cards.

    Blocked   at least one reason against it; every reason is listed
    Unknown   nothing against it, but too few nights are logged to say yes or no
    Open      nothing against it and enough nights logged

The gate never acts. A clinician may override what is marked overridable, and says why.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from common.night import Slot
from titration.engine.evidence import Differing
from titration.engine.record import FOREVER
from titration.engine.words import day_in_words

WINDOW_NIGHTS = 7
NIGHTS_NEEDED = 5
MOST_NOT_TAKEN = 1
"""Evidence for a step: of 7 nights at one dose 5 or more are logged, at most 1 not taken (clinical facts 6.1)."""

SIDE_EFFECT_NIGHTS = 3
"""No moderate or severe side effect in this many last nights (rule R09, clinical facts 6; specialist practice, E2)."""

_ONE_DAY = timedelta(days=1)


class Code(StrEnum):
    """The name of a reason, for audit and for tests; people read the sentence."""

    ENDED = "ended"
    NOTHING_DUE = "nothing due"
    OPIOID_REPORTED = "opioid reported"
    HELD = "held"
    TOO_EARLY = "too early"
    ASKED_FIRST = "asked first"
    NOT_TAKEN = "not taken"
    DOSE_DIFFERS = "reported dose differs"
    SIDE_EFFECTS = "side effects"
    NOT_ENOUGH_NIGHTS = "not enough nights"
    FINDING = "finding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What a rule holds against the step, in its sentence, and whether a clinician may weigh it."""

    rule: str
    sentence: str
    overridable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the gate needs to know, for one course at one moment.

    `today` is the patient's civil date, `held_until` the first day free of the hold in force (None: no hold). Nights
    are the last seven before today at the present dose: `nights_possible` is how many there were (fewer where the dose
    is younger), `nights_logged` how many of them have a log, `nights_not_taken` on how many the dose was told as not
    taken, log or not, and `moderate_side_effects_last_3` how many of the last three nights have a side effect that is
    moderate or worse. `asked_first` is what the template wants to hold before this step, in words; empty where it asks
    nothing.
    `findings` is what the clinic's rules have on record against the step. `differing` are the doses of the whole course
    that were told otherwise than prescribed and that nobody has looked into.
    """

    due_on: date | None
    today: date
    held_until: date | None
    ended: bool
    opioid_reported: bool
    nights_logged: int
    nights_possible: int
    nights_not_taken: int
    moderate_side_effects_last_3: int
    asked_first: str = ""
    findings: tuple[Against, ...] = ()
    differing: tuple[Differing, ...] = ()

    def __post_init__(self) -> None:
        for nights in (self.nights_logged, self.nights_not_taken):
            if not 0 <= nights <= self.nights_possible <= WINDOW_NIGHTS:
                raise ValueError("Nights logged, and nights not taken, are among the possible, at most seven.")
        if not 0 <= self.moderate_side_effects_last_3 <= SIDE_EFFECT_NIGHTS:
            raise ValueError("Side effects are counted over the last three nights.")


@dataclass(frozen=True, slots=True)
class Why:
    """A reason: its code, the sentence a clinician reads, and whether a clinician may override it with a reason.

    `rule` is the id of the rule that says so, for a finding alone.
    """

    code: Code
    sentence: str
    overridable: bool
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """The step may happen."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The step may not happen, for these reasons, those that nobody can override first."""

    reasons: tuple[Why, ...]

    @property
    def overridable(self) -> bool:
        """Whether a clinician may let the step happen all the same: every one of the reasons allows it."""
        return all(reason.overridable for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither yes nor no: a clinician decides without the usual evidence, and says why."""

    reason: Why

    @property
    def overridable(self) -> bool:
        return self.reason.overridable


Verdict = Open | Blocked | Unknown


def gate(facts: Facts, *, early: bool = False) -> Verdict:
    """The one answer. A block comes before a lack of evidence, and lists that lack among its reasons.

    `early` asks about a step before its time: that it is not due yet is then no reason against it.
    """
    against = [*_hard(facts), *_clinical(facts)]
    if early:
        against = [why for why in against if why.code not in (Code.TOO_EARLY, Code.NOTHING_DUE)]
    unknown = _too_few_nights(facts)
    if against:
        return Blocked(tuple(against + unknown))
    if unknown:
        return Unknown(unknown[0])
    return Open()


def effective_on(*, due_on: date, today: date, slot: Slot, recorded_today: bool) -> date:
    """The date on which a step confirmed today takes force: never before it is due, never on a dose already behind us.

    `today` is the patient's civil date, `recorded_today` whether a dose, taken or skipped, is on record for that plan
    date. A bedtime dose of today can still change while none is recorded. A morning dose of today is taken to be
    behind us whether or not it has been recorded, so a late step starts tomorrow.
    """
    still_ahead = slot is Slot.BEDTIME and not recorded_today
    return max(due_on, today if still_ahead else today + _ONE_DAY)


def _hard(facts: Facts) -> list[Why]:
    """What no one can override: there is no step to let happen, or it would be unsafe whoever said so."""
    reasons = []
    if facts.ended:
        reasons.append(Why(Code.ENDED, "The plan has ended.", overridable=False))
    elif facts.due_on is None:
        reasons.append(Why(Code.NOTHING_DUE, "There is no further step.", overridable=False))
    if facts.opioid_reported:
        sentence = "An opioid was reported and the report has not been answered."
        reasons.append(Why(Code.OPIOID_REPORTED, sentence, overridable=False))
    if facts.differing:
        reasons.append(Why(Code.DOSE_DIFFERS, _differing(facts.differing), overridable=False))
    if facts.held_until is not None and facts.today < facts.held_until:
        until = "somebody resumes it" if facts.held_until == FOREVER else day_in_words(facts.held_until)
        sentence = f"The dose is held until {until}."
        reasons.append(Why(Code.HELD, sentence, overridable=False))
    if facts.due_on is not None and facts.today < facts.due_on - _ONE_DAY:
        sentence = f"The step is due on {day_in_words(facts.due_on)}; it can be confirmed from the day before."
        reasons.append(Why(Code.TOO_EARLY, sentence, overridable=False))
    return [*reasons, *_found(facts, overridable=False)]


def _differing(nights: tuple[Differing, ...]) -> str:
    last = nights[-1]
    return (
        f"Another dose was reported than was prescribed on {len(nights)} {'night' if len(nights) == 1 else 'nights'}"
        f"{', last' if len(nights) > 1 else ''}: {last.told} instead of {last.prescribed} on {day_in_words(last.on)}. "
        "Say first what was really taken."
    )


def _clinical(facts: Facts) -> list[Why]:
    """What speaks against the step and a clinician may weigh. Nights not taken count only where enough are logged."""
    reasons = []
    if facts.asked_first:
        sentence = f"The template takes this step only if {facts.asked_first}. Say what you found."
        reasons.append(Why(Code.ASKED_FIRST, sentence, overridable=True))
    if facts.nights_logged >= NIGHTS_NEEDED and facts.nights_not_taken > MOST_NOT_TAKEN:
        sentence = (
            f"{facts.nights_not_taken} of the last {facts.nights_possible} doses were told as not taken; "
            f"a step needs at most {MOST_NOT_TAKEN}."
        )
        reasons.append(Why(Code.NOT_TAKEN, sentence, overridable=True))
    if facts.moderate_side_effects_last_3:
        sentence = f"A moderate or severe side effect was logged in the last {SIDE_EFFECT_NIGHTS} nights."
        reasons.append(Why(Code.SIDE_EFFECTS, sentence, overridable=True))
    return [*reasons, *_found(facts, overridable=True)]


def _found(facts: Facts, *, overridable: bool) -> list[Why]:
    return [
        Why(Code.FINDING, one.sentence, overridable, rule=one.rule)
        for one in facts.findings
        if one.overridable is overridable
    ]


def _too_few_nights(facts: Facts) -> list[Why]:
    if facts.nights_logged >= NIGHTS_NEEDED:
        return []
    if not facts.nights_possible:
        sentence = f"Not enough nights: none at this dose is over yet, a step needs {NIGHTS_NEEDED} of {WINDOW_NIGHTS}."
        return [Why(Code.NOT_ENOUGH_NIGHTS, sentence, overridable=True)]
    sentence = (
        f"Not enough nights: {facts.nights_logged} of the last {facts.nights_possible} at this dose are logged, "
        f"a step needs {NIGHTS_NEEDED} of {WINDOW_NIGHTS}."
    )
    return [Why(Code.NOT_ENOUGH_NIGHTS, sentence, overridable=True)]
