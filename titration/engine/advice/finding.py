"""What a rule found: advice, never a deed. A clinician accepts it, or dismisses it and says why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Tier(StrEnum):
    """How soon somebody looks, and what gives way to what: the first of these wins (clinical facts 6.1, line 12)."""

    EMERGENCY = "emergency"
    STOP = "stop"
    SURGERY = "surgery"
    DECIDE = "decide"
    HOLD = "hold"
    STEP = "step"
    GOOD_NEWS = "good news"
    REVIEW = "review"
    DATA = "data"
    ADMIN = "admin"
    NOTE = "note"

    @property
    def place(self) -> int:
        """From 0, the most urgent."""
        return list(Tier).index(self)


class Step(StrEnum):
    """Whether the next step may happen."""

    OPEN = "yes"
    CLOSED = "no"
    UNKNOWN = "insufficient data"


class Block(StrEnum):
    """What a finding closes while it is open."""

    START = "start"
    """No first dose."""
    DOSE = "dose"
    """No dose is rung for or shown as next; the daily question goes on."""
    STEP = "step"
    """No step up without a clinician's reason."""
    SAVE = "save"
    """What was typed is not saved as it stands."""


class Offer(StrEnum):
    """A way on in the safe direction, or one that a clinician weighs. None happens by itself."""

    MORNING = "morning"
    STEP_BACK = "step back"
    LOWER = "lower dose"
    SKIP_AND_CALL = "skip tonight and call"
    STOP = "stop"
    PAUSE = "pause"
    HOLD = "hold"
    STAY = "stay"
    STEP_UP = "step up"
    RESUME = "resume"
    RESTART = "restart"
    TRIAL_REDUCTION = "trial reduction"
    LABS = "labs"
    CALL = "call"
    REFILL = "refill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule's finding about one thing.

    `key` names the thing: the same facts give the same key whenever they are looked at. `day` is the date of the latest
    fact it rests on, `data` the numbers and dates it used, ready for JSON, `used` the thresholds it was held against.
    `patient_sentence` is "" where the patient is told nothing.
    """

    rule: str
    version: int
    part: str
    key: str
    tier: Tier
    day: date
    sentence: str
    patient_sentence: str
    blocks: frozenset[Block]
    data: Mapping[str, object]
    used: Mapping[str, str]
    offers: tuple[Offer, ...] = ()

    @property
    def closes_the_step(self) -> bool:
        return Block.STEP in self.blocks
