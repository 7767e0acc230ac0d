"""Setting a clinic's thresholds, and putting one's name to the rules as read."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused, Stale
from titration import rule_book
from titration.models import RuleReview, RuleSettings
from titration.selectors import rules as rules_selectors

_SET_MEANWHILE = (
    "Somebody has set thresholds since you opened the page. Nothing of yours was saved; look at what holds now."
)
_OTHER_RULES = "The rules have changed since you opened the page. Read them as they are now before you sign."


@transaction.atomic
def set_thresholds(
    *, chosen: Mapping[str, Decimal], reason: str, seen_number: int, by: Actor, at: datetime
) -> RuleSettings:
    """Set the numbers that the clinic's patients are judged by; the worker judges everybody anew.

    What is as in the book need not be named. Each stays within the ends that the book gives it.
    """
    policy.check(by, policy.Permission.EDIT_PROTOCOLS)
    shipped = rule_book.shipped()
    shipped.with_thresholds(chosen)
    differing = {
        name: format(value.normalize(), "f")
        for name, value in sorted(chosen.items())
        if value != shipped.thresholds[name].value
    }
    if not reason.strip():
        raise Refused("Say why, so that whoever meets a finding understands its numbers.")
    now = rules_selectors.rules_of(by.clinic_id)
    if now.number != seen_number:
        raise Stale(_SET_MEANWHILE)
    if differing == dict(now.chosen):
        raise Refused("Every number is as it was. Nothing was saved.")
    try:
        with transaction.atomic():
            row = RuleSettings.objects.create(
                clinic_id=by.clinic_id,
                number=seen_number + 1,
                chosen=differing,
                reason=reason.strip(),
                at=at,
                by_id=by.user_id,
                by_label=by.label,
            )
    except IntegrityError as error:
        raise Stale(_SET_MEANWHILE) from error
    audit.record(by=by, at=at, action="rules.set", subject=row.id, details={"number": row.number})
    return row


@transaction.atomic
def review(*, name: str, licence: str, words: str, seen: str, by: Actor, at: datetime) -> RuleReview:
    """Put on record that a prescriber of this clinic has read the rules, with name and licence as they typed them.

    `seen` is the fingerprint of what they read.
    """
    policy.check(by, policy.Permission.PRESCRIBE)
    rules = rules_selectors.rules_of(by.clinic_id)
    if rules.fingerprint != seen:
        raise Stale(_OTHER_RULES)
    if not name.strip() or not licence.strip():
        raise Refused("Type your name and your licence: that is the signature.")
    row = RuleReview.objects.create(
        clinic_id=by.clinic_id,
        book_version=rules.book.version,
        fingerprint=seen,
        settings_number=rules.number,
        name=name.strip(),
        licence=licence.strip(),
        words=words.strip(),
        at=at,
        by_id=by.user_id,
    )
    audit.record(by=by, at=at, action="rules.reviewed", subject=row.id, details={"book": rules.book.version})
    return row
