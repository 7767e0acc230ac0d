"""Laboratory tests: which there are, in which units, and which are due. Pure but for the file read once beside it."""

import tomllib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType

from common.refusals import Refused


@dataclass(frozen=True, kw_only=True)
class LabUnit:
    """A unit by its UCUM code. A value of it times `times` is one in the first unit of its `group`."""

    ucum: str
    shown: str
    group: int
    times: Decimal


@dataclass(frozen=True, kw_only=True)
class Test:
    """A laboratory test; `loinc` is empty where none is known."""

    code: str
    name: str
    units: tuple[LabUnit, ...]
    loinc: str = ""

    def unit(self, ucum: str) -> LabUnit:
        """The unit; raises `Refused` for one this test is not reported in."""
        found = next((one for one in self.units if one.ucum == ucum), None)
        if found is None:
            known = " or ".join(one.shown for one in self.units)
            raise Refused(f"{self.name} is put on record in {known}. Ask the laboratory for its value in one of these.")
        return found


@cache
def tests() -> "MappingProxyType[str, Test]":
    """Every test by its code, in the order of the file."""
    raw = tomllib.loads((Path(__file__).parent / "labs.toml").read_text("utf-8"))
    found = {}
    for entry in raw["test"]:
        units = tuple(LabUnit(**{**unit, "times": Decimal(unit["times"])}) for unit in entry.pop("units"))
        found[entry["code"]] = Test(units=units, **entry)
    return MappingProxyType(found)


def find(code: str) -> Test:
    """The test; raises `Refused` where there is none."""
    test = tests().get(code)
    if test is None:
        raise Refused("There is no such test in the list.")
    return test


def converted(test: Test, value: Decimal, *, ucum: str, to: str) -> Decimal | None:
    """The value in another unit; None where no factor that is safe leads there. Exact: powers of ten alone."""
    here, there = test.unit(ucum), test.unit(to)
    return value * here.times / there.times if here.group == there.group else None


def sign(comparator: str) -> str:
    """A comparator as it is printed."""
    return {"<=": "≤", ">=": "≥"}.get(comparator, comparator)


@dataclass(frozen=True, kw_only=True)
class DueLab:
    """Tests that are due together, since when, why, and by which source."""

    codes: tuple[str, ...]
    since: date
    why: str
    source: str


BASELINE = (("alt",), ("ast",), ("bilirubin",), ("creatinine", "egfr"))
"""Before the first dose (clinical facts 2.7); of creatinine and eGFR one is enough."""
WEEK_12 = (("alt",), ("bilirubin",), ("creatinine", "egfr"), ("platelets",))
"""The set of the FINAL trial at week 12, as far as it is on the list (clinical facts 2.7)."""
THYROID = (("tsh",), ("ft4",))
LIVER = ("alt", "ast", "bilirubin")

BASELINE_COUNTS = timedelta(days=92)
"""A value so long before the care began counts as a baseline (E3)."""
WEEK_12_AFTER, WEEK_12_COUNTS_FROM = timedelta(weeks=12), timedelta(weeks=10)
THYROID_FIRST, THYROID_AGAIN = timedelta(weeks=6), timedelta(days=61)
"""On thyroxine: from 6 weeks after the first dose on, then every 2 to 3 months while titrating (R18)."""

LIVER_AGAIN = timedelta(days=182)
"""The liver is tested every 3 to 6 months (clinical facts 2.7): from 6 months after the newest value on it is due."""


def due(
    taken: Mapping[str, Iterable[date]],
    *,
    cared_since: date,
    first_dose_on: date | None,
    conditions: Iterable[str],
    on_thyroxine: bool,
    titrating: bool,
    today: date,
) -> list[DueLab]:
    """What is due today. `taken` are the dates of the values on record, by test; `cared_since` is when the course was
    signed. The thyroid is tested in Hashimoto's and on thyroid hormone; the rhythm afterwards is of those who take it.
    """
    dates = {code: sorted(on for on in days if on <= today) for code, days in taken.items()}
    hashimoto = "hashimoto" in set(conditions)
    found = [
        _missing(BASELINE, dates, cared_since - BASELINE_COUNTS, cared_since, "Baseline", "clinical facts 2.7 [DRO]"),
    ]
    if hashimoto or on_thyroxine:
        found.append(
            _missing(
                THYROID,
                dates,
                cared_since - BASELINE_COUNTS,
                cared_since,
                "Baseline, thyroid",
                "clinical facts 2.1, 2.7 and R18",
            )
        )
    if first_dose_on is not None:
        found.append(
            _missing(
                WEEK_12,
                dates,
                first_dose_on + WEEK_12_COUNTS_FROM,
                first_dose_on + WEEK_12_AFTER,
                "Week 12",
                "clinical facts 2.7 [FINAL-P]",
            )
        )
        if on_thyroxine:
            found.append(_thyroid(dates, first_dose_on, titrating=titrating))
        asked_already = {code for one in found if one is not None and one.since <= today for code in one.codes}
        found.append(_liver(dates, asked_already, today))
    return [one for one in found if one is not None and one.since <= today]


def _missing(
    wanted: tuple[tuple[str, ...], ...],
    dates: Mapping[str, list[date]],
    counts_from: date,
    since: date,
    why: str,
    source: str,
) -> DueLab | None:
    """What of a set has no value from a date on; None where nothing is missing."""
    missing = [
        group[0] for group in wanted if not any(on >= counts_from for code in group for on in dates.get(code, []))
    ]
    return DueLab(codes=tuple(missing), since=since, why=why, source=source) if missing else None


def _liver(dates: Mapping[str, list[date]], asked_already: Set[str], today: date) -> DueLab | None:
    """The liver's values that are older than half a year, but those that another reason asks for already."""
    newest = {code: max(dates[code]) for code in LIVER if dates.get(code) and code not in asked_already}
    old = {code: on + LIVER_AGAIN for code, on in newest.items() if on + LIVER_AGAIN <= today}
    if not old:
        return None
    return DueLab(
        codes=tuple(old), since=min(old.values()), why="Liver, every 3 to 6 months", source="clinical facts 2.7 [DRO]"
    )


def _thyroid(dates: Mapping[str, list[date]], first_dose_on: date, *, titrating: bool) -> DueLab | None:
    """TSH and free T4 after the first dose: the older of the two newest values counts."""
    newest = [max((on for on in dates.get(code, []) if on >= first_dose_on), default=None) for (code,) in THYROID]
    known = [on for on in newest if on is not None]
    if len(known) < len(newest):
        missing = tuple(code for (code,), on in zip(THYROID, newest, strict=True) if on is None)
        return DueLab(
            codes=missing, since=first_dose_on + THYROID_FIRST, why="Thyroid, 6 to 8 weeks", source="R18 [LDNRT-HASH]"
        )
    if not titrating:
        return None
    return DueLab(
        codes=("tsh", "ft4"),
        since=min(known) + THYROID_AGAIN,
        why="Thyroid, every 2 to 3 months while the dose climbs",
        source="R18 [LDNRT-HASH]",
    )
