"""The clinic's questions in parts, as a patient goes through them."""

from collections.abc import Mapping
from dataclasses import dataclass

from patients import screening
from patients.screening import About, Asker, Item

CHECK = "check"
"""The last page: all answers, to be looked over and handed in."""


@dataclass(frozen=True)
class Said:
    """A question and what was answered; `answer` is empty where it is still open."""

    ask: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Part:
    code: str
    title: str
    number: int
    items: tuple[Item, ...]
    said: tuple[Said, ...]
    open: int
    is_last: bool


@dataclass(frozen=True)
class Path:
    """The parts that matter, in order."""

    parts: tuple[Part, ...]

    @property
    def open(self) -> int:
        """How many questions are unanswered."""
        return sum(part.open for part in self.parts)

    @property
    def first_open(self) -> str:
        """The first part with an unanswered question; the last page where there is none."""
        return next((part.code for part in self.parts if part.open), CHECK)

    def part(self, code: str) -> Part | None:
        return next((part for part in self.parts if part.code == code), None)

    def after(self, code: str, answers: Mapping[str, str]) -> str:
        """Where to go on after a part was sent: it again, where only what its answers brought is open in it."""
        codes = [part.code for part in self.parts]
        if code not in codes:
            return self.first_open
        here = self.parts[codes.index(code)]
        brought = [item for item in here.items if item.only_if]
        if any(not answers.get(item.code) for item in brought):
            return code
        later = codes[codes.index(code) + 1 :]
        return later[0] if later else CHECK


def path_of(answers: Mapping[str, str], about: About) -> Path:
    """The parts for this person, by what they have answered so far."""
    form = screening.form()
    items = screening.asked(form, answers, about, Asker.PATIENT)
    shown = [section for section in form.sections if any(item.section == section.code for item in items)]
    parts = []
    for number, section in enumerate(shown, 1):
        here = tuple(item for item in items if item.section == section.code)
        said = tuple(Said(item.ask_patient, screening.CHOICES.get(answers.get(item.code, ""), "")) for item in here)
        parts.append(
            Part(
                code=section.code,
                title=section.for_patient,
                number=number,
                items=here,
                said=said,
                open=sum(not one.answer for one in said),
                is_last=number == len(shown),
            )
        )
    return Path(tuple(parts))


def is_urgent(answers: Mapping[str, str]) -> bool:
    """Whether somebody who answered so is shown the words for a crisis."""
    urgent = (item for item in screening.form().items if item.urgent)
    return any(screening.meaning_of(item, answers.get(item.code, "")) for item in urgent)


def told_at_once(answers: Mapping[str, str]) -> list[str]:
    """What somebody who answered so is told without waiting for the clinic."""
    found = []
    for code, answer in answers.items():
        item = screening.form().item(code)
        meaning = screening.meaning_of(item, answer) if item else None
        if meaning is not None and meaning.tell:
            found.append(meaning.tell)
    return list(dict.fromkeys(found))


def at_once(answers: Mapping[str, str]) -> tuple[bool, list[str]]:
    """All that is shown without waiting for the clinic, to be compared."""
    return is_urgent(answers), told_at_once(answers)
