"""Questions about screening: what stands for a patient, and what waits for somebody in the clinic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.actors import Actor
from patients import screening, selectors
from patients.models import Patient, PatientCondition, Screening, ScreeningDecision
from patients.screening import About, Outcome, Result

State = Screening.State
OF_A_ROUND = (State.DRAFT, State.SENT, State.TELLING, State.ANSWERED)
"""States of a screening on its way to being confirmed."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A patient's screening as it stands: the newest version of all, and the newest that is confirmed.

    `answers`, `results` and `decided` are of the confirmed one; `decided` are the newest decisions by code.
    `waived` is a version that says why a plan begins without a screening, where none was confirmed.
    `told` is what the patient answered last in the round that runs, or in the one that was confirmed; `filled` is what
    stands in the form of the round that runs: the clinic's answers, and over them what the patient has told since.
    """

    newest: Screening | None = None
    confirmed: Screening | None = None
    waived: Screening | None = None
    told: Screening | None = None
    filled: Mapping[str, str]
    answers: Mapping[str, str]
    results: tuple[Result, ...] = ()
    decided: Mapping[str, ScreeningDecision]

    @property
    def number(self) -> int:
        """The number of the newest version; 0 where there is none."""
        return self.newest.number if self.newest else 0

    @property
    def running(self) -> Screening | None:
        """The newest version, while it is on its way to being confirmed."""
        return self.newest if self.newest is not None and self.newest.state in OF_A_ROUND else None

    @property
    def open_stops(self) -> tuple[Result, ...]:
        """Hard stops that neither a specialist's agreement nor an override lifts."""
        return self._open(Outcome.HARD_STOP)

    @property
    def open_reasons(self) -> tuple[Result, ...]:
        """Soft stops that nobody has given a reason for."""
        return self._open(Outcome.SOFT_STOP)

    @property
    def outdated(self) -> bool:
        """Whether the questions have changed since it was confirmed."""
        return self.confirmed is not None and self.confirmed.text_version != screening.form().version

    def _open(self, outcome: Outcome) -> tuple[Result, ...]:
        return tuple(one for one in self.results if one.outcome is outcome and one.code not in self.decided)


def screening_of(patient: Patient) -> Standing:
    """What stands for this patient, in two statements at most. The caller knows that the patient may be seen."""
    versions = list(Screening.objects.filter(patient=patient).order_by("-number"))
    confirmed = _first(versions, State.CONFIRMED)
    waived = _first(versions, State.WAIVED)
    decided: dict[str, ScreeningDecision] = {}
    results: tuple[Result, ...] = ()
    if confirmed is not None:
        decided = {row.code: row for row in confirmed.decisions.order_by("at", "id")}
        results = screening.results(screening.form(), confirmed.answers, about_from(confirmed.about))
    return Standing(
        newest=versions[0] if versions else None,
        confirmed=confirmed,
        waived=waived if confirmed is None else None,
        told=_told(versions),
        filled=_filled(versions),
        answers=confirmed.answers if confirmed else {},
        results=results,
        decided=decided,
    )


def about(patient: Patient, *, at: datetime) -> About:
    """What of this person decides which questions matter, today by their own clock."""
    codes = PatientCondition.objects.filter(patient=patient).values_list("code", flat=True)
    return About(age=selectors.age_of(patient, at=at), conditions=frozenset(codes))


def about_from(kept: Mapping[str, Any]) -> About:
    """The same as it was kept with a confirmed screening."""
    return About(age=int(kept.get("age", 0)), conditions=frozenset(kept.get("conditions", ())))


def waiting(actor: Actor) -> list[Screening]:
    """Screenings the patient has answered and nobody has confirmed, or was sent and has not answered, oldest first.

    One of each patient this actor may know of, with the patient, in one statement.
    """
    later = Screening.objects.filter(patient=OuterRef("patient"), number__gt=OuterRef("number"))
    found: QuerySet[Screening] = Screening.objects.filter(
        ~Exists(later),
        clinic_id=actor.clinic_id,
        patient__in=selectors.visible_to(actor).filter(care_ended_at=None),
        state__in=[State.SENT, State.TELLING, State.ANSWERED],
    )
    return list(found.select_related("patient__clinic").order_by("at", "id"))


def is_urgent(row: Screening) -> bool:
    """Whether an answer of it wants somebody the same day."""
    about_them = about_from(row.about)
    return any(one.urgent for one in screening.results(screening.form(), row.answers, about_them))


def _first(versions: Iterable[Screening], state: str) -> Screening | None:
    return next((row for row in versions if row.state == state), None)


def _told(versions: Iterable[Screening]) -> Screening | None:
    """The patient's own last answers, in the round of the newest version: back to the confirmation before it."""
    for number, row in enumerate(versions):
        if row.state == State.ANSWERED:
            return row
        if number and row.state in (State.CONFIRMED, State.WAIVED):
            return None
    return None


def _filled(versions: Iterable[Screening]) -> dict[str, str]:
    filled: dict[str, str] = {}
    for row in reversed(list(takewhile(lambda one: one.state in OF_A_ROUND, versions))):
        theirs = row.state in (State.TELLING, State.ANSWERED)
        filled = {**filled, **row.answers} if theirs else dict(row.answers)
    return filled


def asked_of_patient(patient: Patient) -> bool:
    """Whether the clinic waits for the patient's answers; one statement."""
    newest = Screening.objects.filter(patient=patient).order_by("-number").values_list("state", flat=True).first()
    return newest in (State.SENT, State.TELLING)
