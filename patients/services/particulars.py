"""What a record says of a person beside name and birth."""

from datetime import datetime

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused, Stale
from patients.models import Patient, Sex
from patients.services.changed import raise_sequence
from patients.services.knowing import check_in_care, check_knows_lastingly


@transaction.atomic
def say_sex(*, patient: Patient, sex: str, seen_version: int, by: Actor, at: datetime) -> Patient:
    """Say by which lines and reference ranges the patient is judged; "" takes it back. What stands changes nothing."""
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    known = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=by.clinic_id)
    check_knows_lastingly(by, known.id)
    check_in_care(known)
    if sex not in ("", *Sex.values):
        raise Refused("Choose one of these, or leave it unsaid.")
    if known.sex == sex:
        return known
    if known.version != seen_version:
        raise Stale(
            "Somebody has changed this record since you opened the page. Nothing of yours was saved. "
            "Look at what stands now before you save again."
        )
    known.sex, known.version = sex, known.version + 1
    known.save(update_fields=["sex", "version"])
    raise_sequence(patient_id=known.id, clinic_id=known.clinic_id)
    audit.record(by=by, at=at, action="patient.sex", patients=[known.id], subject=known.id)
    return known
