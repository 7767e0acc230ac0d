"""Laboratory values, in words and as a drawing."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString, mark_safe

from charts import drawing, series
from charts import labs as lab_charts
from desk.forms.labs import number
from desk.presenters.days import day, moment
from patients import labs
from patients.labs import DueLab
from patients.models import LabResult

WIDTH = 720
NOT_CERTAIN = "not certain"


@dataclass(frozen=True)
class LabLine:
    """One value. `against` is "above", "below", "within" its range, "not certain" of an end such as "<5" that may lie
    either way, or "" where none was reported; `gone` says when and that it was corrected, empty for a value that
    counts."""

    id: uuid.UUID
    name: str
    value: str
    against: str
    reference: str
    on: str
    who: str
    gone: str


@dataclass(frozen=True)
class DueLine:
    """Tests that are due."""

    names: str
    why: str
    since: str
    source: str


def lines(rows: Sequence[LabResult], *, zone: ZoneInfo) -> list[LabLine]:
    """In the order of the rows, without corrections that hold no value of their own; `zone` is the clinic's."""
    return [_line(row, zone) for row in rows if row.value is not None]


def due_lines(due: Sequence[DueLab]) -> list[DueLine]:
    return [
        DueLine(", ".join(labs.tests()[code].name for code in one.codes), one.why, day(one.since), one.source)
        for one in due
    ]


def against(value: Decimal, low: Decimal | None, high: Decimal | None, comparator: str = "") -> str:
    """Where a value lies by its range. Of an end (`comparator`) only what holds on the whole of its side is said."""
    if low is None and high is None:
        return ""
    if comparator.startswith("<"):
        if low is not None and (value < low or (value == low and comparator == "<")):
            return "below"
        return "within" if not low and high is not None and value <= high else NOT_CERTAIN
    if comparator.startswith(">"):
        if high is not None and (value > high or (value == high and comparator == ">")):
            return "above"
        return "within" if high is None and low is not None and value >= low else NOT_CERTAIN
    if high is not None and value > high:
        return "above"
    return "below" if low is not None and value < low else "within"


def chart(rows: Sequence[LabResult], bands: Sequence[series.DoseBand], *, today: date) -> SafeString | None:
    """The values that count, each test in the unit of its newest value; None where there is none to draw."""
    courses = _courses(rows)
    if not courses:
        return None
    described = lab_charts.describe(courses, bands, today=today, title="Laboratory values", width=WIDTH)
    # The drawing escapes every word it was given.
    return mark_safe(drawing.svg(described, "labs-"))  # noqa: S308


def said(rows: Sequence[LabResult]) -> str:
    return lab_charts.said(_courses(rows))


def _courses(rows: Sequence[LabResult]) -> list[lab_charts.Course]:
    """Values in another unit are turned where that is safe, and else are in the list alone."""
    found = []
    for code, test in labs.tests().items():
        standing = sorted(
            (row for row in rows if row.code == code and row.value is not None and row.replaced_at is None),
            key=lambda row: (row.taken_on, row.at),
        )
        if not standing:
            continue
        newest = standing[-1]
        turned = [
            lab_charts.Value(row.taken_on, float(value), labs.sign(row.comparator))
            for row in standing
            if (value := labs.converted(test, row.value, ucum=row.unit, to=newest.unit)) is not None
        ]
        found.append(
            lab_charts.Course(
                test.name,
                test.unit(newest.unit).shown,
                tuple(turned),
                float(newest.low) if newest.low is not None else None,
                float(newest.high) if newest.high is not None else None,
            )
        )
    return found


def _line(row: LabResult, zone: ZoneInfo) -> LabLine:
    test = labs.tests()[row.code]
    return LabLine(
        id=row.id,
        name=test.name,
        value=f"{labs.sign(row.comparator)}{number(row.value)} {test.unit(row.unit).shown}",
        against=against(row.value, row.low, row.high, row.comparator),
        reference=_reference(row),
        on=day(row.taken_on),
        who=f"{row.by_label}, {moment(row.at, zone)}",
        gone=f"corrected {moment(row.replaced_at, zone)}" if row.replaced_at else "",
    )


def _reference(row: LabResult) -> str:
    match row.low, row.high:
        case None, None:
            return "no range reported"
        case None, high:
            return f"up to {number(high)}"
        case low, None:
            return f"from {number(low)}"
        case low, high:
            return f"{number(low)} to {number(high)}"
    return ""
