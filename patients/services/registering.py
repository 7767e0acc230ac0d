"""Taking a person into a clinic's care."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused
from patients import selectors
from patients.models import ContactPreference, Medicine, Patient, PatientCondition, ZoneSpan

# A night is logged on the morning after it (clinical facts 3.3: within an hour of getting up).
LOG_REMINDER_AT = time(9, 0)


@dataclass(frozen=True, kw_only=True)
class ConditionEntry:
    """A condition as the form gives it: a code of the list, or "other" with words."""

    code: str
    words: str = ""


def sort_key(name: str) -> str:
    """How a name sorts and is searched: without accents and case, last word first ("Example Ann" for "Ann Example")."""
    words = selectors.plain(name).split()
    return " ".join(words[-1:] + words[:-1])[:240]


@transaction.atomic
def register(
    *,
    name: str,
    birth_date: date,
    record_number: str,
    email: str,
    zone: ZoneInfo,
    conditions: Sequence[ConditionEntry],
    medicines: Sequence[str],
    context_note: str,
    by: Actor,
    at: datetime,
    sex: str = "",
) -> Patient:
    """Take a person into the clinic's care. A record number the clinic already uses is refused."""
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    try:
        with transaction.atomic():
            patient = Patient.objects.create(
                clinic_id=by.clinic_id,
                name=name,
                sort_key=sort_key(name),
                birth_date=birth_date,
                sex=sex,
                record_number=record_number,
                email=email,
                zone_name=zone.key,
                context_note=context_note,
                registered_at=at,
                registered_by_id=by.user_id,
            )
    except IntegrityError as error:
        if "one_patient_per_clinic_and_record_number" not in str(error):
            raise
        raise Refused(
            "A patient with this record number is already registered. Open that record, or check the number."
        ) from error
    ZoneSpan.objects.create(clinic_id=by.clinic_id, patient=patient, zone_name=zone.key, from_at=at)
    ContactPreference.objects.create(clinic_id=by.clinic_id, patient=patient, log_reminder_at=LOG_REMINDER_AT)
    PatientCondition.objects.bulk_create(
        PatientCondition(clinic_id=by.clinic_id, patient=patient, position=position, code=entry.code, words=entry.words)
        for position, entry in enumerate(conditions)
    )
    Medicine.objects.bulk_create(
        Medicine(
            clinic_id=by.clinic_id,
            patient=patient,
            position=position,
            words=words,
            recorded_at=at,
            recorded_by_id=by.user_id,
        )
        for position, words in enumerate(medicines)
    )
    audit.record(by=by, at=at, action="patient.register", patients=[patient.id], subject=patient.id)
    return patient
