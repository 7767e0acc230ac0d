"""Deeds on templates: saving a version of one's own, signing a review, taking one out of use, offering it again.

A version once saved is never rewritten: courses keep the one they began with.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.dose import Dose
from common.dose_limits import check_high_dose
from common.refusals import Refused, Stale
from titration.engine.makeable import unmakeable
from titration.engine.protocol import REVIEW_PENDING, Protocol
from titration.models import ProtocolDecision, ProtocolVersion
from titration.selectors import library

Kind = ProtocolDecision.Kind
CODE = re.compile(r"[A-Z0-9](?:[A-Z0-9.-]{0,38}[A-Z0-9])?")
CODE_SENTENCE = "A code has up to 40 capital letters, digits, points and dashes, like CLINIC-2W."
LOOK_AGAIN = "This template has changed since you opened it. Nothing of yours was saved. Look again before you decide."


def check_code(*, code: str, by: Actor) -> None:
    """Raise `Refused` unless the clinic may call a new template of its own so."""
    if not CODE.fullmatch(code):
        raise Refused(CODE_SENTENCE)
    for taken in library.newest(by).filter(code=code):
        whose = "your clinic's" if taken.clinic_id else "a shared one"
        raise Refused(f"{code} is taken already: {whose}. Choose another code.")


def check_confirmed(protocol: Protocol, *, confirmed: bool) -> None:
    """Raise `Refused` where a dose is so high that its author says a second time that it is meant; why it is, its rung
    says.
    """
    highest = max(protocol.rungs, key=lambda rung: rung.dose)
    check_high_dose(highest.dose, reason=highest.reason or protocol.label, confirmed=confirmed)


@transaction.atomic
def save(
    *,
    protocol: Protocol,
    seen_version: int,
    strengths: Sequence[Dose],
    words: str,
    by: Actor,
    at: datetime,
    confirmed: bool = False,
) -> ProtocolVersion:
    """Keep the protocol as the next version of the clinic's own template of that code; `seen_version` is the one it was
    made from, 0 for a new template. Its author is who saves it, and its review is still to come. `confirmed` says a
    second time that a dose above 6 mg is meant.
    """
    policy.check(by, policy.Permission.EDIT_PROTOCOLS)
    check_confirmed(protocol, confirmed=confirmed)
    faults = unmakeable(protocol, strengths)
    if faults:
        number, sentence = min(faults.items())
        raise Refused(f"Step {number + 1}: {sentence}")
    latest = _latest_own(protocol.id, by)
    if seen_version == 0:
        check_code(code=protocol.id, by=by)
    elif latest is None or latest.version != seen_version:
        raise Stale(LOOK_AGAIN)
    kept = replace(protocol, version=seen_version + 1, author=by.label, review=REVIEW_PENDING)
    if latest is not None and _says_the_same(kept, Protocol.from_json(latest.body)):
        raise Refused(f"Nothing has changed since version {latest.version}.")
    try:
        with transaction.atomic():
            version = ProtocolVersion.objects.create(
                clinic_id=by.clinic_id,
                code=kept.id,
                version=kept.version,
                name=kept.name,
                body=kept.to_json(),
                fingerprint=kept.fingerprint(),
                loaded_at=at,
            )
    except IntegrityError as error:
        raise Stale(LOOK_AGAIN) from error
    stated = [strength.text for strength in sorted(set(strengths))]
    _decide(version, Kind.SAVED, words=words, by=by, at=at, strengths=stated)
    return version


@transaction.atomic
def review(*, version: ProtocolVersion, words: str, by: Actor, at: datetime) -> ProtocolDecision:
    """Sign that a clinician has read this version and stands by it."""
    policy.check(by, policy.Permission.PRESCRIBE)
    if not words.strip():
        raise Refused("Say what you looked at, so that the next person can lean on it.")
    if any(d.by_id == by.user_id for d in _reviews(version, by)):
        raise Refused("You have signed a review of this version already.")
    return _decide(version, Kind.REVIEWED, words=words, by=by, at=at)


@transaction.atomic
def withdraw(*, version: ProtocolVersion, words: str, by: Actor, at: datetime) -> ProtocolDecision:
    """Take the template out of use: it stays readable, courses keep it, nobody is prescribed by it any more."""
    policy.check(by, policy.Permission.EDIT_PROTOCOLS)
    if not words.strip():
        raise Refused("Say why, so that the next person understands.")
    if _standing(version, by) == Kind.WITHDRAWN:
        raise Refused("This template is out of use already.")
    return _decide(version, Kind.WITHDRAWN, words=words, by=by, at=at)


@transaction.atomic
def offer_again(*, version: ProtocolVersion, words: str, by: Actor, at: datetime) -> ProtocolDecision:
    """Offer a template again that was taken out of use."""
    policy.check(by, policy.Permission.EDIT_PROTOCOLS)
    if _standing(version, by) != Kind.WITHDRAWN:
        raise Refused("This template is offered already.")
    return _decide(version, Kind.OFFERED, words=words, by=by, at=at)


def _latest_own(code: str, by: Actor) -> ProtocolVersion | None:
    found: ProtocolVersion | None = (
        ProtocolVersion.objects.filter(clinic_id=by.clinic_id, code=code).order_by("-version").first()
    )
    return found


def _says_the_same(one: Protocol, other: Protocol) -> bool:
    """Whether they differ in nothing but version, author and review."""
    return one == replace(other, version=one.version, author=one.author, review=one.review)


def _reviews(version: ProtocolVersion, by: Actor) -> list[ProtocolDecision]:
    return list(version.decisions.filter(clinic_id=by.clinic_id, kind=Kind.REVIEWED))


def _standing(version: ProtocolVersion, by: Actor) -> str:
    now = library.version_of(by, version.id)
    return now.standing if now else ""


def _decide(
    version: ProtocolVersion, kind: str, *, words: str, by: Actor, at: datetime, **more: Any
) -> ProtocolDecision:
    """Append a decision and leave the trace; two people deciding at once, the second looks again."""
    own = version.clinic_id is not None
    so_far = ProtocolDecision.objects.filter(clinic_id=by.clinic_id, code=version.code, own=own)
    last = so_far.order_by("-number").values_list("number", flat=True).first()
    try:
        with transaction.atomic():
            decision = ProtocolDecision.objects.create(
                clinic_id=by.clinic_id,
                protocol_version=version,
                code=version.code,
                own=own,
                number=(last or 0) + 1,
                kind=kind,
                words=words.strip(),
                at=at,
                by_id=by.user_id,
                by_label=by.label,
                **more,
            )
    except IntegrityError as error:
        raise Stale(LOOK_AGAIN) from error
    audit.record(by=by, at=at, action=f"template.{kind}", subject=version.id)
    return decision
