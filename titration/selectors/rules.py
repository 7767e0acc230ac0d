"""Questions about the rules themselves: the book that holds for a clinic, what was set in it and who has read it."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from accounts.actors import Actor
from titration import rule_book
from titration.engine.advice.book import Book
from titration.models import RuleReview, RuleSettings


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A clinic's book: as shipped, with the thresholds it has set; `number` 0 where it has set none."""

    book: Book
    number: int
    chosen: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hexadecimal of all that somebody reads who reviews the rules of this clinic."""
        whole = json.dumps([rule_book.fingerprint(), dict(self.chosen)], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()


def rules_of(clinic_id: uuid.UUID | None) -> Rules:
    """The book by which a clinic's patients are judged now.

    A threshold that the book no longer has, or whose ends have moved past what was set, is the book's again.
    """
    settings = RuleSettings.objects.filter(clinic_id=clinic_id).order_by("-number").first()
    book = rule_book.shipped()
    if settings is None:
        return Rules(book=book, number=0, chosen={})
    within = {
        name: value
        for name, value in settings.chosen.items()
        if name in book.thresholds and book.thresholds[name].least <= Decimal(value) <= book.thresholds[name].most
    }
    chosen = book.with_thresholds({name: Decimal(value) for name, value in within.items()})
    return Rules(book=chosen, number=settings.number, chosen=within)


def settings_rows(actor: Actor, *, most: int = 50) -> list[RuleSettings]:
    """What the actor's clinic has set, newest first."""
    return list(RuleSettings.objects.filter(clinic_id=actor.clinic_id).order_by("-number")[:most])


def reviews(actor: Actor, *, most: int = 50) -> list[RuleReview]:
    """Who of the actor's clinic has read the rules, newest first."""
    return list(RuleReview.objects.filter(clinic_id=actor.clinic_id).order_by("-at")[:most])
