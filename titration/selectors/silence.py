"""Who is not heard from: plans that climb whose nights stopped being told."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.actors import Actor
from common.night import night_of
from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms.models import SymptomLog
from titration.models import Watch
from titration.selectors import worklist

NIGHTS = 3
"""So many nights over and untold, and the clinic is shown the patient."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Silent:
    """A patient whose last `nights` nights are over and untold; `last_told` is None where no night of the course is.

    `heard_on` is then the date before the first that could be told.
    """

    patient_id: uuid.UUID
    name: str
    nights: int
    last_told: date | None
    heard_on: date


def silent(actor: Actor, *, at: datetime, patients: Collection[uuid.UUID] | None = None) -> list[Silent]:
    """Patients whose plan climbs and who told none of their last three nights or more, longest silence first, in one
    query.

    A night is over at its noon where the patient is. Nights outside the course count for nothing, nor do those before
    the plan of somebody who took it already: nobody could tell of them here. At a dose that goes on nobody is expected
    to tell every night, and is not called silent. `patients` narrows to some.
    """
    rows = _candidates(actor, patients_selectors.visible_to(actor), at)
    if patients is not None:
        rows = rows.filter(patient__in=list(patients))
    told = SymptomLog.objects.filter(patient=OuterRef("patient"), night=OuterRef("heard_on")).values("night")[:1]
    found = (
        rows.annotate(last_told=Subquery(told))
        .order_by("heard_on", "patient__sort_key", "patient_id")
        .values_list("patient_id", "patient__name", "patient__zone_name", "heard_on", "last_told")
    )
    nights = _Nights(at)
    silents = [
        Silent(
            patient_id=patient_id,
            name=name,
            nights=nights.since(heard_on, zone_name),
            last_told=last_told,
            heard_on=heard_on,
        )
        for patient_id, name, zone_name, heard_on, last_told in found
    ]
    return [one for one in silents if one.nights >= NIGHTS]


def silent_keys(
    actor: Actor, among: QuerySet[Patient], *, at: datetime, after: worklist.Key | None = None
) -> list[worklist.Key]:
    """The first of these patients who are not heard from, longest silence first, each with the last night of theirs."""
    rows = _candidates(actor, among, at)
    found = worklist.first_of(rows, "heard_on", after=after)
    zones = dict(among.filter(id__in=[patient_id for patient_id, _ in found]).values_list("id", "zone_name"))
    nights = _Nights(at)
    # Dates differ by a day around the world: the patient's own zone decides.
    return [
        (patient_id, since) for patient_id, since in found if nights.since(since.date(), zones[patient_id]) >= NIGHTS
    ]


def _candidates(actor: Actor, among: QuerySet[Patient], at: datetime) -> QuerySet[Watch]:
    """Everyone who could be meant, wherever they are; their own zone decides."""
    before = at.date() - (NIGHTS - 1) * _ONE_DAY
    return Watch.objects.filter(clinic_id=actor.clinic_id, patient__in=among, nightly=True, heard_on__lt=before)


class _Nights:
    """How many nights are over since one that was heard of, where somebody is."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._tonight: dict[str, date] = {}

    def since(self, heard_on: date, zone_name: str) -> int:
        if zone_name not in self._tonight:
            self._tonight[zone_name] = night_of(self._at, ZoneInfo(zone_name))
        return (self._tonight[zone_name] - heard_on - _ONE_DAY).days
