"""The mailed six digits that prove who holds a phone."""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused
from patients import secrets
from patients.models import FreshCode, Phone
from patients.services.phones import patients_of


@transaction.atomic
def make_code(*, phone: Phone, by: Actor, at: datetime) -> str:
    """A fresh six-digit code to be mailed to the phone's holder; it replaces one not yet used."""
    Phone.objects.select_for_update(no_key=True).get(id=phone.id, clinic_id=phone.clinic_id)
    recent = phone.codes.filter(created_at__gt=at - secrets.CODE_LASTS).count()
    if recent >= 3:
        raise Refused("Three codes were sent in the last ten minutes. Use the newest one, or wait ten minutes.")
    phone.codes.filter(spent_at=None).update(spent_at=at)
    code, code_id = secrets.new_code(), uuid.uuid4()
    FreshCode.objects.create(
        id=code_id,
        clinic_id=phone.clinic_id,
        carer_id=phone.carer_id,
        phone=phone,
        code_digest=secrets.code_digest(code, code_id),
        created_at=at,
        expires_at=at + secrets.CODE_LASTS,
    )
    audit.record(by=by, at=at, action="phone.code_made", patients=patients_of(phone), subject=phone.id)
    return code


def try_code(*, phone: Phone, typed: str, by: Actor, at: datetime) -> None:
    """Open history and chart on this phone for a while, if the code is right; else say why not.

    The try is counted before the code is compared, and stays counted when the answer is no.
    """
    code = phone.codes.filter(spent_at=None, expires_at__gt=at).first()
    # The limit stands in the statement that counts: tries at one moment must not all see the same number.
    if code is None or not phone.codes.filter(id=code.id, tries__lt=secrets.TRIES).update(tries=F("tries") + 1):
        raise Refused("This code is no longer good. Ask for a new one.")
    if not secrets.code_matches(typed, code.id, code.code_digest):
        audit.record(
            by=by, at=at, action="phone.proved", patients=patients_of(phone), subject=phone.id, result="denied"
        )
        raise Refused("That is not the code we sent. Check the newest mail and try again.")
    with transaction.atomic():
        if not phone.codes.filter(id=code.id, spent_at=None).update(spent_at=at):
            raise Refused("This code is no longer good. Ask for a new one.")
        Phone.objects.filter(id=phone.id, clinic_id=phone.clinic_id).update(proved_until=at + secrets.PROOF_LASTS)
        audit.record(by=by, at=at, action="phone.proved", patients=patients_of(phone), subject=phone.id)
