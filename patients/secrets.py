"""Tokens and codes: made from the system's randomness, kept only as digests."""

import hashlib
import hmac
import secrets
from datetime import timedelta

from django.conf import settings

from common.tokens import digest, new_token

__all__ = ["code_digest", "digest", "new_code", "new_token", "same"]

TRIES = 5
INVITATION_LASTS = timedelta(days=14)
CARE_INVITATION_LASTS = timedelta(days=7)
PHONE_LASTS = timedelta(days=90)
CODE_LASTS = timedelta(minutes=10)
PROOF_LASTS = timedelta(minutes=30)
# A phone's secret is renewed once a day; the one before it is good a little longer, for requests under way.
ROTATED_AFTER = timedelta(days=1)
OFFERED_AGAIN_AFTER = timedelta(minutes=10)
OVERLAP = timedelta(minutes=10)
SITTING_LASTS = timedelta(minutes=15)
MAILS_PER_ADDRESS, ADDRESS_WINDOW = 3, timedelta(minutes=15)
MAILS_PER_NETWORK_ADDRESS, NETWORK_WINDOW = 10, timedelta(hours=1)
# A hospital stands behind one address, and a ward opens one card a few times: enough for them, too few to watch by.
CARDS_PER_NETWORK_ADDRESS, OPENINGS_PER_CARD, CARD_WINDOW = 30, 30, timedelta(minutes=15)
MOST_CARDS = 5


def new_code() -> str:
    """Six digits to be typed by a person."""
    return f"{secrets.randbelow(1_000_000):06d}"


def code_of(token: str) -> str:
    """The six digits that go with a token: whoever holds the token can be shown them, and nothing else tells them."""
    return f"{int.from_bytes(hashlib.sha256(f'code|{token}'.encode()).digest()) % 1_000_000:06d}"


def code_digest(code: str, salt: object) -> str:
    """Keyed digest of a short code: six digits alone could be tried out by whoever reads the table."""
    return _keyed(settings.SECRET_KEY, code, salt)


def code_matches(code: str, salt: object, known: str) -> bool:
    """Whether a typed code is the one of a digest, made with today's key or with one that is still believed."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(same(_keyed(key, code, salt), known) for key in keys)


def _keyed(key: str, code: str, salt: object) -> str:
    return hmac.new(key.encode(), f"{salt}|{code}".encode(), hashlib.sha256).hexdigest()


def counted_as(kind: str, value: str) -> str:
    """Keyed digest of an address, to count by and not to read."""
    return _keyed(settings.SECRET_KEY, value.strip().casefold(), kind)


def same(a: str, b: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(a, b)
