"""Consents in words: what stands, what was signed before, and the versions of the text."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from desk.presenters.badges import Badge
from desk.presenters.days import day, moment
from patients import selectors_consent
from patients.models import Consent, ConsentText
from patients.selectors_consent import Standing


@dataclass(frozen=True)
class Line:
    """A consent that was signed or taken back. `sha256` is that of the text; "" for one taken back."""

    badge: Badge
    said: str
    words: str
    who: str
    text: str
    sha256: str


@dataclass(frozen=True)
class Version:
    name: str
    title: str
    material: bool
    because: str
    who: str


def badge(standing: Standing) -> Badge:
    """Whether what was signed holds."""
    if standing.due is None:
        return Badge("signed", "good", "check")
    return Badge("to be signed" if standing.holds is None else "to be signed anew", "care", "question")


def lines(rows: Sequence[Consent], zone: ZoneInfo) -> list[Line]:
    """Newest first."""
    return [_line(row, zone) for row in rows]


def versions(rows: Sequence[ConsentText], zone: ZoneInfo) -> list[Version]:
    """The clinic's own versions, newest first."""
    return [
        Version(
            name=selectors_consent.key_of(row.number),
            title=row.title,
            material=row.material,
            because=row.because,
            who=f"{row.by_label}, {moment(row.at, zone)}",
        )
        for row in rows
    ]


def _line(row: Consent, zone: ZoneInfo) -> Line:
    how = Consent.How(row.how).label
    if row.kind == Consent.Kind.ASKED:
        who = f"{row.by_label}, {moment(row.at, zone)}"
        return Line(badge=Badge("asked to sign", "info", "mail"), said="", words="", who=who, text="", sha256="")
    if row.kind == Consent.Kind.WITHDRAWN:
        return Line(
            badge=Badge("taken back", "care", "stop"),
            said=how,
            words=row.words,
            who=f"{row.by_label}, {moment(row.at, zone)}",
            text="",
            sha256="",
        )
    return Line(
        badge=Badge("signed", "good", "check"),
        said=f"{row.typed_name}, {day(row.signed_on)}, {how}",
        words="",
        who=f"{row.by_label}, {moment(row.at, zone)}",
        text=row.text_key,
        sha256=row.sha256,
    )
