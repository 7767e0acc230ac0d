"""The questionnaires a patient may fill in, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from portal.presenters.days import day
from symptoms.rhythm import Due, Given
from symptoms.scoring import Instrument


@dataclass(frozen=True)
class QuestionnaireLine:
    """One questionnaire: `due` says whether it waits to be filled in, `given` when it last was, if ever."""

    id: str
    called: str
    due: bool
    given: str


def lines(
    instruments: Iterable[Instrument], due: Iterable[Due], given: Mapping[str, Given], today: date
) -> list[QuestionnaireLine]:
    """Those that wait first. No score stands here: the phone may be in anybody's hand."""
    waiting = {one.instrument for one in due}
    found = [
        QuestionnaireLine(
            one.id, one.called, one.id in waiting, _when(given[one.id].on, today) if one.id in given else ""
        )
        for one in instruments
    ]
    return sorted(found, key=lambda line: not line.due)


def _when(on: date, today: date) -> str:
    return "today" if on == today else f"on {day(on)}"
