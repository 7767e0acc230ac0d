"""Templates as they are read: what a clinic has, one of them with its steps drawn, and what was decided about it."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from common.dose import echo
from common.night import Slot
from desk.presenters.badges import Badge
from desk.presenters.days import day_short, moment
from desk.presenters.schedule import GRADES, Stair, Staircase, doses_in_a_row
from titration.engine.protocol import Protocol, Rung, Then
from titration.engine.terms import plain
from titration.models import Prescription, ProtocolDecision, ProtocolVersion
from titration.protocol_files import NotShipped

_OPEN_END_DAYS = 14
"""How long a last step without an end is drawn."""
_LETTER = 7.2
"""Width of a letter of the drawing's labels, in pixels."""
TIMES = {
    None: "once a day, when the prescriber says",
    Slot.BEDTIME: "once a day, at bedtime",
    Slot.MORNING: "once a day, in the morning",
    Slot.SPLIT: "half in the morning, half in the evening, 12 hours apart",
}


@dataclass(frozen=True)
class TemplateLine:
    """A template in the list."""

    id: uuid.UUID
    label: str
    version: int
    doses: str
    length: str
    grade: str
    sources: str
    whose: Badge
    review: Badge
    withdrawn: bool
    courses: int


@dataclass(frozen=True)
class StepLine:
    """A step of a template: from which day, at what dose, for how long, and what there is to say about it."""

    from_day: str
    dose: str
    length: str
    more: tuple[str, ...]


@dataclass(frozen=True)
class VersionLine:
    """One version of a template and how many courses are on it. `behind` says whether a newer one is there."""

    id: uuid.UUID
    version: int
    saved: str
    courses: int
    behind: bool
    here: bool

    @property
    def sentence(self) -> str:
        return f"{many_courses(self.courses)} still on version {self.version}"


@dataclass(frozen=True)
class DecisionLine:
    """What somebody decided, when, and in which words."""

    did: str
    version: int
    who: str
    when: str
    words: str


@dataclass(frozen=True)
class TemplatePage:
    """One version of a template, whole."""

    id: uuid.UUID
    label: str
    code: str
    version: int
    whose: Badge
    own: bool
    review: Badge
    withdrawn: bool
    grade: str
    author: str
    taken: str
    ending: str
    note: str
    facts: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    steps: tuple[StepLine, ...]
    wide: Staircase
    narrow: Staircase
    in_form: bool


@dataclass(frozen=True)
class CourseLine:
    """A patient treated by a version."""

    patient_id: uuid.UUID
    name: str
    record_number: str
    since: str
    state: str
    next_step: str
    signed: str


@dataclass(frozen=True)
class Chart:
    """The steps drawn twice, for wide and for narrow pages, and told in words."""

    steps: tuple[StepLine, ...]
    wide: Staircase
    narrow: Staircase
    ending: str


def line(version: ProtocolVersion, *, review: ProtocolDecision | None, courses: int) -> TemplateLine:
    protocol = Protocol.from_json(version.body)
    return TemplateLine(
        id=version.id,
        label=protocol.label,
        version=protocol.version,
        doses=doses_in_a_row(protocol),
        length=length(protocol),
        grade=protocol.grade.value,
        sources=", ".join(source.key for source in protocol.sources),
        whose=_whose(version),
        review=_review(protocol, review),
        withdrawn=version.standing == ProtocolDecision.Kind.WITHDRAWN,
        courses=courses,
    )


def page(version: ProtocolVersion, *, review: ProtocolDecision | None) -> TemplatePage:
    protocol = Protocol.from_json(version.body)
    drawn = chart(protocol)
    return TemplatePage(
        id=version.id,
        label=protocol.label,
        code=protocol.id,
        version=protocol.version,
        whose=_whose(version),
        own=version.clinic_id is not None,
        review=_review(protocol, review),
        withdrawn=version.standing == ProtocolDecision.Kind.WITHDRAWN,
        grade=GRADES[protocol.grade],
        author=protocol.author,
        taken=TIMES[protocol.time_of_day],
        ending=drawn.ending,
        note=protocol.note.strip(),
        facts=tuple(_facts(protocol)),
        sources=tuple((source.key, source.reference) for source in protocol.sources),
        steps=drawn.steps,
        wide=drawn.wide,
        narrow=drawn.narrow,
        in_form=is_for_the_form(protocol),
    )


def is_for_the_form(protocol: Protocol) -> bool:
    """Whether the form can hold all of it; what goes by weight, asks first or has a pattern is written as a file."""
    return not (protocol.by_weight or protocol.cycle or protocol.conditions)


def chart(protocol: Protocol) -> Chart:
    return Chart(
        steps=tuple(_steps(protocol)),
        wide=staircase(protocol, 720),
        narrow=staircase(protocol, 340),
        ending=_ENDINGS[protocol.then],
    )


_ENDINGS = {
    Then.OPEN: "The last dose goes on with no end set.",
    Then.REVIEW: "The last dose goes on until a prescriber has reviewed it.",
    Then.END: "Then the plan ends: no dose.",
}


def versions(
    rows: Sequence[ProtocolVersion], *, here: ProtocolVersion, courses: Mapping[uuid.UUID, int], zone: ZoneInfo
) -> list[VersionLine]:
    """Every version, newest first, with what is still on it."""
    newest = rows[0].version
    return [
        VersionLine(
            id=row.id,
            version=row.version,
            saved=moment(row.loaded_at, zone),
            courses=courses.get(row.id, 0),
            behind=row.version < newest and bool(courses.get(row.id)),
            here=row.id == here.id,
        )
        for row in rows
    ]


def decision(row: ProtocolDecision, *, zone: ZoneInfo) -> DecisionLine:
    return DecisionLine(
        did=row.get_kind_display(),
        version=row.protocol_version.version,
        who=row.by_label,
        when=moment(row.at, zone),
        words=row.words,
    )


def course(prescription: Prescription, *, zone: ZoneInfo) -> CourseLine:
    patient = prescription.patient
    return CourseLine(
        patient_id=patient.id,
        name=patient.name,
        record_number=patient.record_number,
        since=moment(prescription.signed_at, zone),
        state=prescription.get_state_display(),
        next_step=_next_step(prescription),
        signed=prescription.signed_by.name,
    )


def _next_step(prescription: Prescription) -> str:
    if prescription.next_dose is None or prescription.next_due_on is None:
        return ""
    return f"{prescription.next_dose} from {day_short(prescription.next_due_on)}"


def left_out(rows: Mapping[str, NotShipped]) -> list[NotShipped]:
    return list(rows.values())


def many_courses(count: int) -> str:
    return "1 course is" if count == 1 else f"{count:,} courses are"


def length(protocol: Protocol) -> str:
    finite = sum(rung.days for rung in protocol.rungs if rung.days is not None)
    match protocol.then:
        case Then.OPEN:
            return f"last step from day {finite + 1} on" if finite else "one dose, no end set"
        case Then.REVIEW:
            return f"{finite} days, then a review"
        case Then.END:
            return f"{finite} days, then it ends"


def staircase(protocol: Protocol, width: int, height: int = 150) -> Staircase:
    """The steps drawn to scale from day 1; doses by weight stand at their caps, dashed where there is no end."""
    base, left, right = height - 22.0, 4.0, width - 4.0
    days = [rung.days or _OPEN_END_DAYS for rung in protocol.rungs]
    scale = (right - left) / sum(days)
    top = max(rung.dose for rung in protocol.rungs)
    stairs, from_day, labelled_to, dated_to = [], 0, 0.0, 0.0
    for number, (rung, lasts) in enumerate(zip(protocol.rungs, days, strict=True)):
        start, stop = round(left + from_day * scale, 1), round(left + (from_day + lasts) * scale, 1)
        label, dated = _dose_label(rung), f"day {from_day + 1}"
        before = protocol.rungs[number - 1].dose if number else None
        ends = start + _LETTER * max(len(label), len(dated)) > right
        begins = stop - _LETTER * max(len(label), len(dated)) if ends else start
        fits, date_fits = begins >= labelled_to, begins >= dated_to
        labelled_to = start + _LETTER * len(label) if fits else labelled_to
        dated_to = start + _LETTER * len(dated) if date_fits else dated_to
        stairs.append(
            Stair(
                x=start,
                end=stop,
                y=_height(rung, top.mg, base),
                riser_to=None if before is None else _height(protocol.rungs[number - 1], top.mg, base),
                label=label if fits else "",
                date_label=dated if date_fits else "",
                label_x=stop if ends else start + 3,
                label_ends=ends,
                open=rung.days is None,
            )
        )
        from_day += lasts
    return Staircase(width, height, base, tuple(stairs))


def _height(rung: Rung, top: object, base: float) -> float:
    return round(base - float(rung.dose.mg) / float(top) * (base - 26), 1)  # type: ignore[arg-type]


def _dose_label(rung: Rung) -> str:
    return str(rung.dose) if rung.mg_per_kg is None else f"{plain(rung.mg_per_kg)} mg/kg"


def _steps(protocol: Protocol) -> Iterator[StepLine]:
    from_day = 1
    for rung in protocol.rungs:
        if rung.mg_per_kg is not None and protocol.needs_weight:
            dose = f"{plain(rung.mg_per_kg)} mg/kg, at most {rung.dose}"
        else:
            dose = echo(rung.dose)
        more = [f"only if {rung.only_if.words}"] if rung.only_if is not None else []
        more += [rung.reason] if rung.reason else []
        if protocol.is_split:
            more.insert(0, f"{rung.dose.half} twice a day")
        lasts = "goes on" if rung.days is None else f"{rung.days} days" if rung.days > 1 else "1 day"
        yield StepLine(f"day {from_day}", dose, lasts, tuple(more))
        from_day += rung.days or 0


def _facts(protocol: Protocol) -> Iterator[tuple[str, str]]:
    if protocol.by_weight is not None:
        yield "By weight", f"measured with {protocol.by_weight.liquid} in steps of {protocol.by_weight.measurable}"
        if protocol.by_weight.below_kg is not None:
            yield "For", f"less than {plain(protocol.by_weight.below_kg)} kg"
        yield "Weighed again", f"every {protocol.by_weight.reweigh_days} days"
    if protocol.cycle is not None:
        yield "Some go on", f"{protocol.cycle.days_on} days on, {protocol.cycle.days_off} days off, once that is signed"


def _whose(version: ProtocolVersion) -> Badge:
    return Badge("your clinic's", "info", "person") if version.clinic_id else Badge("shared")


def _review(protocol: Protocol, review: ProtocolDecision | None) -> Badge:
    if review is not None:
        return Badge(f"reviewed by {review.by_label}", "good", "check")
    if protocol.is_reviewed:
        return Badge(f"reviewed: {protocol.review}", "good", "check")
    return Badge("review pending", "care", "clock")
