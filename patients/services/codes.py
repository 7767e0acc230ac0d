"""A fresh proof of who holds a phone: a mailed link and its six digits."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.actors import Actor
from audit import services as audit
from common import walls
from common.refusals import Refused
from patients import secrets, selectors
from patients.models import FreshCode, Phone
from patients.services import counting
from patients.services.phones import patients_of, prove

NO_LONGER = "This code is no longer good. Ask for a new one."


@dataclass(frozen=True, kw_only=True)
class MailedProof:
    """What leaves the deed in one mail and is kept nowhere."""

    token: str
    code: str


@transaction.atomic
def make_code(*, phone: Phone, asked_from: str = "", by: Actor, at: datetime) -> MailedProof:
    """A link and a code to be mailed to the phone's holder; they replace those not yet used.

    Three mails in a quarter of an hour to one address, whoever's it is, and ten in an hour from one network address
    (`asked_from`) are the most. Both are counted in the database: no cache that is away lets more through.
    """
    _count("mail", selectors.address_of(phone), secrets.MAILS_PER_ADDRESS, secrets.ADDRESS_WINDOW, at)
    if asked_from:
        _count("network", asked_from, secrets.MAILS_PER_NETWORK_ADDRESS, secrets.NETWORK_WINDOW, at)
    selectors.row_of(phone).select_for_update(no_key=True).get()
    phone.codes.filter(spent_at=None).update(spent_at=at)
    token, code_id = secrets.new_token(), uuid.uuid4()
    code = secrets.code_of(token)
    FreshCode.objects.create(
        id=code_id,
        clinic_id=phone.clinic_id,
        carer_id=phone.carer_id,
        phone=phone,
        code_digest=secrets.code_digest(code, code_id),
        token_digest=secrets.digest(token),
        created_at=at,
        expires_at=at + secrets.CODE_LASTS,
    )
    audit.record(by=by, at=at, action="phone.code_made", patients=patients_of(phone), subject=phone.id)
    return MailedProof(token=token, code=code)


def _count(kind: str, value: str, most: int, window: timedelta, at: datetime) -> None:
    """Count one mail, or refuse it."""
    if not counting.count(kind, value, most=most, window=window, at=at):
        minutes = int(window.total_seconds() // 60)
        raise Refused(
            f"So many mails were sent in the last {minutes} minutes that no more go out. "
            "Use the newest one, or wait a while."
        )


def try_code(*, phone: Phone, typed: str, by: Actor, at: datetime) -> None:
    """Open history and chart on this phone for a while, if the code is right; else say why not.

    The try is counted before the code is compared, and stays counted when the answer is no.
    """
    code = phone.codes.filter(spent_at=None, expires_at__gt=at).first()
    # The limit stands in the statement that counts: tries at one moment must not all see the same number.
    if code is None or not phone.codes.filter(id=code.id, tries__lt=secrets.TRIES).update(tries=F("tries") + 1):
        raise Refused(NO_LONGER)
    if not secrets.code_matches(typed, code.id, code.code_digest):
        audit.record(
            by=by, at=at, action="phone.proved", patients=patients_of(phone), subject=phone.id, result="denied"
        )
        raise Refused("That is not the code we sent. Check the newest mail and try again.")
    with transaction.atomic():
        if not phone.codes.filter(id=code.id, spent_at=None).update(spent_at=at):
            raise Refused(NO_LONGER)
        prove(phone=phone, how="code", by=by, at=at)


@transaction.atomic
def open_link(*, token: str, phone: Phone, by: Actor, at: datetime) -> bool:
    """Open history and chart on this phone, if this phone asked for this link and nobody has used it.

    One conditional statement spends it, so that of two openings at one moment one wins.
    """
    link = FreshCode.objects.filter(
        token_digest=secrets.digest(token), phone=phone, spent_at=None, expires_at__gt=at, tries__lt=secrets.TRIES
    )
    # The page of a link is open to everybody: only here is it known for whom.
    with walls.acting(clinic=phone.clinic_id, user=phone.carer_id):
        if not link.update(spent_at=at):
            return False
        prove(phone=phone, how="link", by=by, at=at)
    return True
