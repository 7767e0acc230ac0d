"""Who is not heard from: open courses whose nights stopped being told."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, Subquery

from accounts.actors import Actor
from common.dose import Dose
from common.night import night_of
from symptoms.models import SymptomLog
from titration.engine import timeline
from titration.models import Prescription, Step
from titration.selectors import courses

NIGHTS = 3
"""So many nights over and untold, and the clinic is shown the patient."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Silent:
    """A patient whose last `nights` nights are over and untold; `last_told` is None where no night of the course is."""

    patient_id: uuid.UUID
    name: str
    nights: int
    last_told: date | None


def silent(actor: Actor, *, at: datetime) -> list[Silent]:
    """Patients on an open course who told none of their last three nights or more, longest silence first. One query.

    A night is over at its noon where the patient is. Nights outside the course count for nothing, nor do those before
    the plan of somebody who took it already: nobody could tell of them here.
    """
    last_told = SymptomLog.objects.filter(patient=OuterRef("patient")).order_by("-night").values("night")[:1]
    over = Step.objects.filter(prescription=OuterRef("pk"), state=timeline.State.ENDED, from_on__lte=at.date())
    # Dates differ by a day around the world: the database takes everyone who could be meant, their own zone decides.
    before = at.date() - (NIGHTS - 1) * _ONE_DAY
    rows = (
        courses.visible_prescriptions(actor)
        .filter(state__in=Prescription.OPEN_STATES, start_on__lte=before)
        .exclude(Exists(over))
        .annotate(last_told=Subquery(last_told))
        .filter(Q(last_told=None) | Q(last_told__lt=before))
        .order_by("patient__sort_key", "patient_id")
        .values_list(
            "patient_id", "patient__name", "patient__zone_name", "start_on", "first_dose", "signed_at", "last_told"
        )
    )
    found = [_silent(*row, at=at) for row in rows]
    return sorted((one for one in found if one.nights >= NIGHTS), key=lambda one: -one.nights)


def _silent(
    patient_id: uuid.UUID,
    name: str,
    zone_name: str,
    start_on: date,
    first_dose: Dose | None,
    signed_at: datetime,
    last_told: date | None,
    *,
    at: datetime,
) -> Silent:
    zone = ZoneInfo(zone_name)
    first = start_on if first_dose is None else max(start_on, night_of(signed_at, zone))
    in_course = last_told if last_told and last_told >= first else None
    heard_on = in_course or first - _ONE_DAY
    return Silent(
        patient_id=patient_id,
        name=name,
        nights=(night_of(at, zone) - heard_on - _ONE_DAY).days,
        last_told=in_course,
    )
