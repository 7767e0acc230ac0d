"""Questions about laboratory values."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from accounts.actors import Actor
from patients import selectors
from patients.models import LabResult, Patient


def visible_lab(actor: Actor, result_id: uuid.UUID) -> LabResult | None:
    """The value, if this actor may know of its patient, with patient and clinic."""
    known = selectors.visible_to(actor)
    found = LabResult.objects.filter(id=result_id, patient__in=known)
    return found.select_related("patient__clinic").first()


def lab_results_of(patient: Patient) -> list[LabResult]:
    """Every row, corrected ones too, the newest sample first; each knows in `replaced_at` when it was replaced."""
    rows = list(LabResult.objects.filter(patient=patient).order_by("-taken_on", "-at"))
    replaced = {row.replaces_id: row.at for row in rows if row.replaces_id is not None}
    for row in rows:
        row.replaced_at = replaced.get(row.id)
    return rows


def standing_labs(patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[LabResult]]:
    """The values that count, of each patient, the oldest sample first, in one statement."""
    found: dict[uuid.UUID, list[LabResult]] = defaultdict(list)
    rows = LabResult.objects.filter(patient__in=list(patient_ids), replaced_by=None).exclude(value=None)
    for row in rows.order_by("taken_on", "at"):
        found[row.patient_id].append(row)
    return found


def lab_dates(patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, list[date]]]:
    """On which dates which test was taken, of each patient, in one statement."""
    found: dict[uuid.UUID, dict[str, list[date]]] = defaultdict(lambda: defaultdict(list))
    rows = LabResult.objects.filter(patient__in=list(patient_ids), replaced_by=None).exclude(value=None)
    for patient_id, code, on in rows.values_list("patient_id", "code", "taken_on"):
        found[patient_id][code].append(on)
    return found
