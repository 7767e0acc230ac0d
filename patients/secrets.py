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


def new_code() -> str:
    """Six digits to be typed by a person."""
    return f"{secrets.randbelow(1_000_000):06d}"


def code_digest(code: str, salt: object) -> str:
    """Keyed digest of a short code: six digits alone could be tried out by whoever reads the table."""
    return _keyed(settings.SECRET_KEY, code, salt)


def code_matches(code: str, salt: object, known: str) -> bool:
    """Whether a typed code is the one of a digest, made with today's key or with one that is still believed."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(same(_keyed(key, code, salt), known) for key in keys)


def _keyed(key: str, code: str, salt: object) -> str:
    return hmac.new(key.encode(), f"{salt}|{code}".encode(), hashlib.sha256).hexdigest()


def same(a: str, b: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(a, b)
