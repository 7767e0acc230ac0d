"""What the rules look at: one patient as known on one date. Built by a selector, or from a file; nothing is asked here.

What nobody told is None, and never counts as fine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from common.dose import Dose
from common.medicine_classes import MedicineClass
from titration.engine.course import RETITRATE_FROM_DAYS
from titration.engine.evidence import Differing
from titration.engine.record import Due
from titration.engine.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Another medicine, as the patient wrote it in a night's answer, and what it was recognised as.

    `unsure`: the patient could not say whether it was one of those asked about.
    """

    words: str
    medicine_class: MedicineClass
    unsure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One night as it was told, in the columns' names and units; `severities` by side-effect code.

    `scales` holds what only some conditions are asked: stiffness 0-10, liquid_stools a day, abdominal_pain 0-3,
    stools_vs_normal 0-3, blood 0-3, resting_pulse a minute. `opioid_answered_on`: the day the clinic answered what the
    night told of other medicines; it says nothing of the night's doses and signs. `clarified_on`: the day somebody
    found out what was really taken, after all that is told here of the dose had been told. `answered_on`: the day
    somebody settled what it tells of signs, or of a gap that it belongs to; on record that is the answer to the finding
    itself.
    """

    night: date
    taken: bool | None = None
    taken_mg: Dose | None = None
    taken_at: datetime | None = None
    skipped_because: str = ""
    sleep_hours: Decimal | None = None
    latency_min: int | Decimal | None = None
    awake_min: int | Decimal | None = None
    quality: int | Decimal | None = None
    dream_vividness: int | Decimal | None = None
    dream_distress: int | Decimal | None = None
    pain: int | Decimal | None = None
    fatigue: int | Decimal | None = None
    lead_symptom: int | Decimal | None = None
    severities: Mapping[str, str] = field(default_factory=dict)
    scales: Mapping[str, Decimal] = field(default_factory=dict)
    menstruating: bool | None = None
    other: Other | None = None
    opioid_answered_on: date | None = None
    clarified_on: date | None = None
    answered_on: date | None = None

    @property
    def counts_as_log(self) -> bool:
        """Dose, sleep and lead symptom were told: evidence for a step (clinical facts 6.1, line 11)."""
        return self.taken is not None and self.sleep_hours is not None and self.lead_symptom is not None

    @property
    def tells_how_it_was(self) -> bool:
        """Whether more than the dose was told: then a sign that is not among what it tells was not there."""
        scales = (self.dream_vividness, self.dream_distress, self.pain, self.fatigue, self.lead_symptom)
        return self.tells_sleep or bool(self.severities or self.scales) or any(one is not None for one in scales)

    @property
    def tells_sleep(self) -> bool:
        return any(one is not None for one in (self.sleep_hours, self.latency_min, self.awake_min, self.quality))


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    """A line of the medicine list. `until_on`: the last day it was meant to be taken; None, it goes on.

    `last_taken_on` is the last dose known of; without it and without an end the last dose may be today's.
    """

    words: str
    medicine_class: MedicineClass
    from_on: date | None = None
    until_on: date | None = None
    last_taken_on: date | None = None
    answered_on: date | None = None

    def active_on(self, day: date) -> bool:
        return (self.from_on is None or self.from_on <= day) and (self.until_on is None or day <= self.until_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """An operation or a procedure: `at` where its time is known (else its whole day), by the patient's clock.

    `opioid_free_since_on` is the first day after it without an opioid. Where that is told day by day, `told_to` is the
    newest day told of; None: whoever says it stands for every day since. `short_course` says whether only short-acting
    opioids for at most seven days were taken; `free_days` the opioid-free days asked for after this one, and `hours`
    how long before it the last dose is, None: as the book has it. `closed_on`: restarted, cancelled or answered.
    """

    on: date
    at: datetime | None = None
    entered_on: date | None = None
    opioid_free_since_on: date | None = None
    told_to: date | None = None
    short_course: bool = True
    hours: int | None = None
    free_days: int | None = None
    closed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A laboratory value with the reference range it came with. `code` as in the list of labs: alt, ast, tsh, ft4.

    `comparator` is "" or, where the laboratory gave an end and not the value, <, <=, >= or >: `value` is then that end,
    and a rule reads of it only what holds on the whole of that side.
    """

    code: str
    on: date
    value: Decimal
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    comparator: str = ""

    def is_above(self, line: Decimal | Fraction | int, *, per: int = 1) -> bool | None:
        """Whether `per` times the value lies above a line; None where an end, such as "<250", leaves it open."""
        end = Fraction(self.value) * per
        match self.comparator:
            case ">":
                return True if end >= line else None
            case ">=":
                return True if end > line else None
            case "<" | "<=":
                return None if end > line else False
        return end > line

    @property
    def told(self) -> Decimal | str:
        """The value as the laboratory gave it."""
        return f"{self.comparator}{self.value.normalize():f}" if self.comparator else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """An instrument answered: phq-2, phq-9, audit-c, pgic, peg, pro2, isi. `item9` of the PHQ-9 alone."""

    instrument: str
    on: date
    score: Decimal | None
    item9: int | None = None
    answered_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What was dispensed, for asking whether a new product came before a change. `same_as` compares all but the day."""

    on: date
    lot: str = ""
    form: str = ""
    filler: str = ""
    pharmacy: str = ""

    def same_as(self, other: "Product") -> bool:
        return (self.lot, self.form, self.filler, self.pharmacy) == (
            other.lot,
            other.form,
            other.filler,
            other.pharmacy,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A dose that was typed and not taken as it stands, and the sentence that says why."""

    on: date
    dose: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """How far what is in hand reaches: nights of the present dose and of the next, and the last day it keeps."""

    refill_due_on: date | None = None
    run_out_on: date | None = None
    beyond_use_on: date | None = None
    units_left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything the rules may look at. `today` is the patient's civil date; `nights` are in order of their dates.

    `in_force` is empty before anything is prescribed; `starts_on` is then the day somebody wants to begin. `due` is the
    step above the dose in force. `makeable` answers which doses the stock in hand can make, None where nobody knows.
    `screening` is yes, no or unsure by code; `co_signed` are the codes a specialist has put their name to.
    `washout_decided`: a person has decided on the opioid-free days, as at the signing of a plan. `differing` are doses
    told otherwise than prescribed that nobody has looked into. `ladder` are the doses of the protocol, lowest first.
    `consent_due` says why consent is due, `labs_due` why tests are, and which; `questionnaires_due` the names of those
    the patient is asked for, and since when. Before `read_from` only the nights of the baseline and the last at the
    dose before are read; None: all are.
    """

    today: date
    starts_on: date | None = None
    first_dose_on: date | None = None
    in_force: Timeline = ()
    due: Due | None = None
    target: Dose | None = None
    retitrate_from_days: int = RETITRATE_FROM_DAYS
    awaiting: bool = False
    ended: bool = False
    fixed_dose_protocol: bool = False
    born_on: date | None = None
    sex: str = ""
    weight_kg: Decimal | None = None
    weighed_on: date | None = None
    conditions: frozenset[str] = frozenset()
    screening: Mapping[str, str] = field(default_factory=dict)
    co_signed: frozenset[str] = frozenset()
    medicines: tuple[Medicine, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    labs: tuple[Lab, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    nights: tuple[Night, ...] = ()
    products: tuple[Product, ...] = ()
    supply: Supply | None = None
    makeable: frozenset[Dose] | None = None
    typed: tuple[Typed, ...] = ()
    washout_decided: bool = False
    differing: tuple[Differing, ...] = ()
    ladder: tuple[Dose, ...] = ()
    consent_due: str = ""
    labs_due: tuple[tuple[str, tuple[str, ...]], ...] = ()
    questionnaires_due: tuple[tuple[str, date], ...] = ()
    read_from: date | None = None
