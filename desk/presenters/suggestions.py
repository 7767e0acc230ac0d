"""What is often begun with in a patient's conditions, in words: to take or to leave, each with what it rests on."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from desk.presenters import schedule
from patients import conditions
from titration.engine.protocol import Protocol
from titration.models import ProtocolDecision, ProtocolVersion
from titration.suggestions import Suggestion

CHOSEN, SUGGESTED, OWN, SHARED = GROUPS = (
    "Chosen",
    "Often begun with in this patient's conditions",
    "Your clinic's own",
    "Every other template",
)
"""The headings that templates are offered under, in their order."""


@dataclass(frozen=True)
class Choice:
    """The templates in the order they are offered, and what is suggested and cannot be chosen: a sentence each."""

    templates: tuple[schedule.Template, ...]
    notes: tuple[str, ...]

    @property
    def folded(self) -> str:
        """The group that is folded away, empty where it is the only one."""
        return SHARED if any(shown.group != SHARED for shown in self.templates) else ""

    @property
    def folded_count(self) -> int:
        return sum(shown.group == SHARED for shown in self.templates)


def choice(
    offered: Mapping[str, tuple[ProtocolVersion, Protocol]],
    *,
    suggestions: Iterable[Suggestion],
    reviews: Mapping[uuid.UUID, ProtocolDecision],
    chosen: str = "",
) -> Choice:
    """`offered` by the id of each version, as `chosen` is; a suggestion names a shared template by its code."""
    said, notes = dict[str, list[str]](), list[str]()
    choosable = {version.code: identifier for identifier, (version, _) in offered.items() if version.clinic_id is None}
    for suggestion in suggestions:
        if suggestion.protocol_id in choosable:
            said.setdefault(choosable[suggestion.protocol_id], []).append(_words(suggestion))
        else:
            notes.append(_words(suggestion, named=True))
    templates = [
        schedule.template(
            protocol,
            identifier,
            reviewed_by=reviews[version.id].by_label if version.id in reviews else "",
            group=_group(version, suggested=identifier in said, chosen=identifier == chosen),
            suggested=tuple(said.get(identifier, ())),
        )
        for identifier, (version, protocol) in offered.items()
    ]
    first = list(said)
    templates.sort(key=lambda shown: (GROUPS.index(shown.group), first.index(shown.id) if shown.id in said else 0))
    return Choice(tuple(templates), tuple(notes))


def _group(version: ProtocolVersion, *, suggested: bool, chosen: bool) -> str:
    if chosen:
        return CHOSEN
    return SUGGESTED if suggested else OWN if version.clinic_id else SHARED


def _words(suggestion: Suggestion, *, named: bool = False) -> str:
    """The condition, what is said of it and what that rests on; `named` with the template's code where it has one."""
    condition = conditions.all_conditions()[suggestion.condition].name
    sources = f": {', '.join(suggestion.sources)}" if suggestion.sources else ""
    which = f" {suggestion.protocol_id}, which cannot be chosen here." if named and suggestion.protocol_id else ""
    return f"{condition}:{which} {suggestion.words} Rests on {schedule.GRADES[suggestion.grade]}{sources}."
