"""Sealing of words: what is written into a sealed column is nobody's to read without a key.

AES-256-GCM with a random nonce. A sealed text is `sealed1:<key id>:<base64url of nonce, ciphertext and tag>`. It is
bound to its *purpose*, the name of the column it belongs to: moved to another column it does not open. It is not bound
to its row: sub-queries, JSON built in SQL and the history that triggers write carry the column and not the row's key
(docs/adr/0020-sealed-columns.md says what that leaves open).

Errors name a purpose and a key id, never a word of the text.
"""

import base64
import binascii
import hmac
import os
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MARK = "sealed1:"
KEY_BYTES = 32
_NONCE_BYTES, _TAG_BYTES = 12, 16
_KEY_ID = re.compile(r"[a-z0-9-]{1,24}")


class SealError(Exception):
    """A sealed text could not be opened, or no key is there to seal with."""


class KeyMissing(SealError):
    """The key that sealed a text is not on the ring: it was lost, or never given to this process."""

    def __init__(self, key_id: str, purpose: str) -> None:
        super().__init__(f"the key {key_id!r} that seals {purpose} is not on the ring")
        self.key_id, self.purpose = key_id, purpose


class SealBroken(SealError):
    """A sealed text is not what was written: it was altered, cut, or belongs to another column."""

    def __init__(self, purpose: str) -> None:
        super().__init__(f"a sealed {purpose} is not as it was written")
        self.purpose = purpose


class KeysRefused(SealError):
    """What was given as keys is not a ring of keys. The message names the line, never what stands in it."""


@dataclass(frozen=True)
class Key:
    """One key with the name it has in sealed texts."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.id!r})"

    @cached_property
    def cipher(self) -> AESGCM:
        return AESGCM(_derived(self.secret, "seal"))


@dataclass(frozen=True)
class Keyring:
    """Keys by id, the first is the one that seals; the others only open what they once sealed."""

    keys: tuple[Key, ...]

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read `<id>:<32 bytes as base64url>`, one a line, the current key first; `#` begins a remark."""
        keys: list[Key] = []
        for number, line in enumerate(text.splitlines(), start=1):
            if not (said := line.partition("#")[0].strip()):
                continue
            key_id, _, secret = said.partition(":")
            if not _KEY_ID.fullmatch(key_id) or len(raw := _bytes(secret)) != KEY_BYTES:
                raise KeysRefused(f"line {number} of the field keys is not “id:key” with a key of {KEY_BYTES} bytes")
            if any(key_id == key.id or raw == key.secret for key in keys):
                raise KeysRefused(f"line {number} of the field keys repeats a key or its id")
            keys.append(Key(key_id, raw))
        if not keys:
            raise KeysRefused("there are no field keys")
        return cls(tuple(keys))

    @property
    def current(self) -> Key:
        return self.keys[0]

    def seal(self, text: str, purpose: str) -> str:
        """Seal a text with the current key. An empty text stays empty: that nothing was written is no secret."""
        if not text:
            return ""
        key, nonce = self.current, os.urandom(_NONCE_BYTES)
        sealed = key.cipher.encrypt(nonce, text.encode(), _bound_to(key.id, purpose))
        return f"{MARK}{key.id}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, text: str, purpose: str) -> str:
        """The words of a sealed text; a text that never was sealed is given as it is."""
        if not is_sealed(text):
            return text
        key_id, _, packed = text.removeprefix(MARK).partition(":")
        key = next((key for key in self.keys if key.id == key_id), None)
        if key is None:
            raise KeyMissing(key_id[:24], purpose)
        raw = _bytes(packed)
        if len(raw) < _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken(purpose)
        try:
            return key.cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound_to(key.id, purpose)).decode()
        except InvalidTag:
            raise SealBroken(purpose) from None

    def index(self, text: str, purpose: str) -> str:
        """A blind index of a text by the current key: equal texts have equal indexes, and nothing else shows."""
        return self.indexes(text, purpose)[0]

    def indexes(self, text: str, purpose: str) -> list[str]:
        """The text's index by every key of the ring, the current one first: what a look-up asks for."""
        plain = text.strip().casefold().encode()
        return [hmac.new(_index_key(key.secret, purpose), plain, sha256).hexdigest() for key in self.keys]


def is_sealed(text: str) -> bool:
    """Whether a stored text is a sealed one."""
    return text.startswith(MARK)


def key_id_of(text: str) -> str:
    """The id of the key that sealed a stored text; empty for one that never was sealed."""
    return text.removeprefix(MARK).partition(":")[0] if is_sealed(text) else ""


def new_line(key_id: str) -> str:
    """A fresh key as a line of the field keys."""
    return f"{key_id}:{base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()}"


def _bound_to(key_id: str, purpose: str) -> bytes:
    return f"{MARK}{key_id}|{purpose}".encode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii", "replace"), altchars=b"-_", validate=True)
    except binascii.Error:
        return b""


@lru_cache(maxsize=64)
def _index_key(secret: bytes, purpose: str) -> bytes:
    return _derived(secret, f"index|{purpose}")


def _derived(secret: bytes, use: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"ldn-clinic|{use}".encode()).derive(secret)
