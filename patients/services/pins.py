"""A phone's PIN: chosen after a fresh proof, asked once a sitting, closed after five wrong ones."""

import re
from datetime import datetime

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F

from accounts.actors import Actor
from audit import services as audit
from common import walls
from common.refusals import Refused
from patients import secrets, selectors
from patients.models import Phone
from patients.services.phones import patients_of

CLOSED = "The PIN was wrong too often. Prove that it is you by a mailed code, or ask your clinic for a new invitation."
_EASY = "01234567890 09876543210"


@transaction.atomic
def set_pin(*, phone: Phone, pin: str, by: Actor, at: datetime) -> None:
    """Ask for this PIN on this phone from the next sitting on; an empty one asks for none any more.

    The caller has seen a fresh proof.
    """
    if pin:
        _check_worth(pin)
    selectors.row_of(phone).update(
        pin_hash=make_password(pin) if pin else "", pin_tries=0, sitting_digest="", sitting_until=None
    )
    action = "phone.pin_set" if pin else "phone.pin_removed"
    audit.record(by=by, at=at, action=action, patients=patients_of(phone), subject=phone.id)


def _check_worth(pin: str) -> None:
    if not re.fullmatch(r"[0-9]{4,8}", pin):
        raise Refused("A PIN has four to eight digits.")
    if len(set(pin)) == 1 or pin in _EASY:
        raise Refused("That PIN is too easy to guess. Choose one that is not a row of the same or of following digits.")


def try_pin(*, phone: Phone, typed: str, by: Actor, at: datetime) -> None:
    """Let a sitting begin if the PIN is right; else say why not. A wrong one is counted before it is compared."""
    if not selectors.row_of(phone).filter(pin_tries__lt=secrets.TRIES).update(pin_tries=F("pin_tries") + 1):
        raise Refused(CLOSED)
    if not check_password(typed, phone.pin_hash):
        audit.record(by=by, at=at, action="phone.pin", patients=patients_of(phone), subject=phone.id, result="denied")
        phone.refresh_from_db(fields=["pin_tries"])
        left = secrets.TRIES - phone.pin_tries
        raise Refused(f"That is not your PIN. Tries left: {left}." if left > 0 else CLOSED)
    selectors.row_of(phone).update(pin_tries=0)


def begin_sitting(*, phone: Phone, at: datetime) -> str:
    """The secret of a sitting in this browser; another of this phone's ends."""
    secret = secrets.new_token()
    until = at + secrets.SITTING_LASTS
    with walls.acting(clinic=phone.clinic_id, user=phone.carer_id):
        selectors.row_of(phone).update(sitting_digest=secrets.digest(secret), sitting_until=until)
    return secret


def sits(phone: Phone, secret: str, *, at: datetime) -> bool:
    """Whether no PIN stands before this phone's pages: none was chosen, or it was given in this sitting.

    A sitting ends with the browser's, and after a quarter of an hour without a page.
    """
    if not phone.pin_hash:
        return True
    if phone.sitting_until is None or phone.sitting_until <= at:
        return False
    if not secret or not secrets.same(secrets.digest(secret), phone.sitting_digest):
        return False
    if phone.sitting_until < at + secrets.SITTING_LASTS * 0.9:
        with walls.acting(clinic=phone.clinic_id, user=phone.carer_id):
            selectors.row_of(phone).update(sitting_until=at + secrets.SITTING_LASTS)
    return True
