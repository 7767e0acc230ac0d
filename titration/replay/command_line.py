"""`replay_course`: runs a course in a file and prints what came of it. No database; the clock only for "today"."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NoReturn, TextIO
from zoneinfo import ZoneInfo

from common import clock
from common.refusals import Refused
from titration import protocol_files
from titration.engine.words import day_in_words
from titration.replay import reading, running, telling
from titration.replay.fields import Malformed, day_of

DONE, NOT_DONE = 0, 2

_ONE_DAY = timedelta(days=1)


def main(words: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Print the answer and return 0, refused changes or not; or print one sentence on `stderr` and return 2."""
    try:
        asked = _parser().parse_args(words)
        if asked.help:
            stdout.write(_parser().format_help())
            return DONE
        if asked.file is None:
            raise Refused("Name a file that holds a course; docs/replay.md says how it is written.")
        answered = answer(_text(Path(asked.file)), asked.as_of)
    except Refused as refused:
        stderr.write(f"{refused.sentence}\n")
        return NOT_DONE
    if asked.json:
        stdout.write(json.dumps(answered.data, indent=2, ensure_ascii=False) + "\n")
    else:
        stdout.write(_as_table([telling.tabled(line) for line in answered.lines], answered.data, answered.as_of))
    return DONE


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a file on a day: the data that is printed, and the lines of its table."""

    as_of: date
    data: dict[str, Any]
    lines: list[telling.Line]


def answer(written: str, day: str | None) -> Answer:
    """What came of a file's text, looked at from a day; without one, from today in the file's zone.

    Of a plan whose own dose cannot be meant nothing comes but that finding. Raises `Malformed` for what cannot be read.
    """
    try:
        file = reading.read(written, protocol_files.find)
    except reading.NotMeant as refused:
        as_of = _day(day, refused.zone)
        return Answer(as_of, telling.not_meant(refused.dose, refused.sentence, as_of), [])
    as_of, done = _day(day, file.zone), running.run(file)
    return Answer(as_of, telling.told(file, done, as_of), telling.lines(file, done))


def _day(written: str | None, zone: ZoneInfo) -> date:
    return clock.today(zone) if written is None else day_of(written, "--as-of")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence and leaves the exit to its caller."""

    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message[:1].upper()}{message[1:]}; see replay_course --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="replay_course",
        description="Runs a course in a file. The file, its kinds of change and its defaults: docs/replay.md.",
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", metavar="FILE.json", help="the course")
    parser.add_argument(
        "--as-of", metavar="DATE", help="the day to look from, like 2025-01-12; today in the file's zone"
    )
    parser.add_argument("--json", action="store_true", help="print the answer as data")
    parser.add_argument("-h", "--help", action="store_true", help="print this help")
    return parser


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as opened:
            return opened.read(reading.MOST_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise Malformed(f"{path.name} is no text in UTF-8.") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it has no name"
        raise Malformed(f"{path.name} cannot be read: {why}.") from None


def _as_table(lines: list[dict[str, Any]], answer: dict[str, Any], as_of: date) -> str:
    titles = ("From", "To", "Dose", "State", "Time", "Units", "Why")
    rows = [titles, *map(_row, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    body = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*body, "", *_closing(answer, as_of)]) + "\n"


def _row(line: dict[str, Any]) -> tuple[str, ...]:
    dose, to_on = line["dose_mg"], line["to"]
    return (
        _with_weekday(date.fromisoformat(line["from"])),
        "no end" if to_on is None else _with_weekday(date.fromisoformat(to_on) - _ONE_DAY),
        "none" if dose is None else f"{dose} mg",
        line["state"],
        line["time_of_day"],
        line["units"] or "",
        line["why"],
    )


def _closing(answer: dict[str, Any], as_of: date) -> list[str]:
    dose, step, supply = answer["dose_now_mg"], answer["next_step"], answer["supply"]
    said = [f"On {day_in_words(as_of)}: {'no dose' if dose is None else f'{dose} mg'}."]
    if step is not None:
        said.append(f"Next step: {step['dose_mg']} mg on {day_in_words(date.fromisoformat(step['on']))}.")
    if supply["units_left"] is not None:
        said.append(_supplied(supply))
    said += [f"{_refused(one['change'])}: {one['sentence']}" for one in answer["refused"]]
    said += [f"{one['rule']}, {one['severity']}: {one['sentence']}" for one in answer["findings"]]
    return said


def _refused(change: int | None) -> str:
    return "Refused, the plan itself" if change is None else f"Refused, change {change}"


def _supplied(supply: dict[str, Any]) -> str:
    run_out_on = supply["run_out_on"]
    until = f"runs out on {day_in_words(date.fromisoformat(run_out_on))}" if run_out_on else "does not run out"
    short = ", before the next step" if supply["short_by_next_step"] else ""
    return f"Supply: {supply['units_left']} left; {until}{short}."


def _with_weekday(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {day.isoformat()}"


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
