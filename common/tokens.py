"""Tokens of full entropy: made from the system's randomness, kept only as digests."""

import hashlib
import secrets


def new_token() -> str:
    """256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """SHA-256 of a token of full entropy, for look-ups."""
    return hashlib.sha256(token.encode()).hexdigest()
