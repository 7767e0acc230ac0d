"""`titrate`: prints the intended plan of a protocol from a start date. Pure arithmetic: no database, no clock."""

import argparse
import json
import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NoReturn, TextIO

from common.dose import in_words
from common.refusals import Refused
from titration import protocol_files
from titration.engine import supply, timeline
from titration.engine.by_weight import resolved
from titration.engine.course import Course, Hold
from titration.engine.words import day_in_words

DONE, NOT_DONE = 0, 2

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOLD = re.compile(r"(?P<from_on>[^:]*):(?P<days>[+-]?[0-9]{1,9})")
_ONE_DAY = timedelta(days=1)


def main(words: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Print the plan and return 0; or print one sentence on `stderr` and return 2."""
    try:
        asked = _parser().parse_args(words)
        if asked.help:
            stdout.write(_parser().format_help())
            return DONE
        course = _course(asked)
    except Refused as refused:
        stderr.write(f"{refused.sentence}\n")
        return NOT_DONE
    stdout.write(_as_json(course) if asked.json else _as_table(course))
    return DONE


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence and leaves the exit to its caller."""

    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message[:1].upper()}{message[1:]}; see titrate --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="titrate", description="The intended plan of a protocol.", add_help=False, allow_abbrev=False)
    parser.add_argument("protocol", nargs="?", help="a protocol's id, like STD-2W")
    parser.add_argument("--start", metavar="DATE", help="the day of the first dose, like 2025-01-06")
    parser.add_argument(
        "--hold",
        metavar="DATE:DAYS",
        action="append",
        default=[],
        help="keep the dose from a date for some days, like 2025-01-10:7; may be given more than once",
    )
    parser.add_argument("--weight-kg", metavar="KG", help="the patient's weight, for a protocol that goes by weight")
    parser.add_argument("--json", action="store_true", help="print the plan as data")
    parser.add_argument("-h", "--help", action="store_true", help="print this help")
    return parser


def _course(asked: argparse.Namespace) -> Course:
    """The course asked for; the holds are placed in the order of their dates, each inside the plan it then meets."""
    if asked.protocol is None:
        raise Refused(f"Name a protocol: {', '.join(protocol_files.shipped())}.")
    protocol = protocol_files.find(asked.protocol)
    if asked.weight_kg is not None:
        protocol = resolved(protocol, _weight(asked.weight_kg))
    if asked.start is None:
        raise Refused("Say when the first dose is taken, like --start 2025-01-06.")
    course = Course(protocol, _date(asked.start))
    for hold in sorted(map(_hold, asked.hold), key=lambda hold: hold.on):
        timeline.check_hold(course, hold)
        course = course.changed(hold)
    return course


def _weight(typed: str) -> Decimal:
    try:
        return Decimal(typed)
    except ArithmeticError:
        raise Refused("A weight is written in kilograms, like --weight-kg 32.5.") from None


def _date(typed: str) -> date:
    try:
        if _DATE.fullmatch(typed):
            return date.fromisoformat(typed)
    except ValueError:
        pass
    raise Refused(f"{typed[:40]!r} is not a date; write year-month-day, like 2025-01-06.")


def _hold(typed: str) -> Hold:
    matched = _HOLD.fullmatch(typed)
    if matched is None:
        raise Refused(f"{typed[:40]!r} is not a hold; write the date and the days, like 2025-01-10:7.")
    return Hold(_date(matched["from_on"]), int(matched["days"]))


def _as_json(course: Course) -> str:
    steps = [
        {
            "from": step.from_on.isoformat(),
            "to": None if step.to_on is None else step.to_on.isoformat(),
            "dose_mg": step.dose.text,
        }
        for step in supply.steps(timeline.plan(course))
    ]
    answer = {"protocol": course.protocol.id, "version": course.protocol.version, "steps": steps}
    return json.dumps(answer, indent=2) + "\n"


def _as_table(course: Course) -> str:
    protocol = course.protocol
    heading = f"{protocol.label}, version {protocol.version}, clinical review: {protocol.review}"
    titles = ("First dose", "Last dose", "Nights", "Dose", "In words")
    lines = [titles, *(_line(step) for step in supply.steps(timeline.plan(course)))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    body = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
    return "\n".join([heading, "", *body, "", _closing(course)]) + "\n"


def _line(step: supply.Step) -> tuple[str, str, str, str, str]:
    last = "no end" if step.to_on is None else _with_weekday(step.to_on - _ONE_DAY)
    nights = "" if step.nights is None else str(step.nights)
    return _with_weekday(step.from_on), last, nights, str(step.dose), in_words(step.dose)


def _closing(course: Course) -> str:
    last = timeline.plan(course)[-1]
    match last.state:
        case timeline.State.REVIEW:
            return f"Review is due on {day_in_words(last.from_on)}; the dose goes on until it is decided."
        case timeline.State.ENDED:
            return f"Ends: no dose from {day_in_words(last.from_on)} on."
        case _:
            return "This is what is intended; each step waits until it is let happen."


def _with_weekday(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {day.isoformat()}"


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
