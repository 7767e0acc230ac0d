"""Where a patient's mail goes, and when."""

from datetime import datetime, time
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common import sealed
from common.refusals import Stale
from patients.models import EMAIL, ContactPreference, FreshCode, Patient
from patients.services.knowing import check_knows_lastingly


@transaction.atomic
def change_contact(
    *,
    patient: Patient,
    email: str,
    reminders_by_email: bool,
    log_reminder_at: time,
    seen_version: int,
    by: Actor,
    at: datetime,
) -> str:
    """Correct where mail goes, whether reminders do, and when the log reminder rings on the patient's own clock.

    The answer is the address that mail no longer goes to, for the caller to tell it so; "" if it is the same or there
    was none. A new address is tried again even if the old one took no mail. An invitation or a code sent to the old one
    no longer opens, and what was proved by one holds no longer. Sending what already stands changes nothing; sending
    anything else over a newer version than `seen_version` raises `Stale`.
    """
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    known = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=by.clinic_id)
    check_knows_lastingly(by, known.id)
    contact = ContactPreference.objects.get(patient=known)
    asked = {
        "address": (known.email, email),
        "reminders": (contact.reminders_by_email, reminders_by_email),
        "time": (contact.log_reminder_at, log_reminder_at),
    }
    changed = [name for name, (before, after) in asked.items() if before != after]
    if not changed:
        return ""
    if known.version != seen_version:
        raise Stale(
            "Somebody has changed this record since you opened the page. Nothing of yours was saved. "
            "Look at what stands now before you save again."
        )
    Patient.objects.filter(id=known.id, clinic_id=by.clinic_id).update(
        email=email, email_index=sealed.index(email, EMAIL), version=F("version") + 1
    )
    values: dict[str, Any] = {"reminders_by_email": reminders_by_email, "log_reminder_at": log_reminder_at}
    if "address" in changed:
        values["address_failed_at"] = None
        # What was mailed to the old address may lie in a stranger's mailbox.
        known.invitations.filter(spent_at=None, replaced_at=None).update(replaced_at=at)
        FreshCode.objects.filter(phone__patient=known, spent_at=None).update(spent_at=at)
        known.phones.filter(proved_until__gt=at).update(proved_until=None)
    ContactPreference.objects.filter(patient=known).update(**values)
    audit.record(
        by=by, at=at, action="patient.contact", patients=[known.id], subject=known.id, details={"changed": changed}
    )
    return known.email if "address" in changed else ""
