"""What a deed records so that the rules look at a patient again."""

import uuid

from django.db.models import F

from patients.models import Patient


def raise_sequence(*, patient_id: uuid.UUID, clinic_id: uuid.UUID | None) -> None:
    """Say, in the caller's transaction, that something about this patient has changed that a rule might want to judge.

    Every deed calls it that writes what the rules look at: nights, plans, fills, medicines, answers, values.
    """
    Patient.objects.filter(id=patient_id, clinic_id=clinic_id).update(change_sequence=F("change_sequence") + 1)
