"""Second factors here: secrets sealed at rest, passkeys bound to the clinic's own name."""

from typing import Any
from urllib.parse import urlsplit

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from accounts import second_factor
from accounts.presenters import browser_name
from common import sealed

PURPOSE = "second_factor.secret"
NAME = "LDN Clinic"


class SealedFactors(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth asks here before it stores, shows or removes a factor."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That was not accepted. A code works once; wait for the next one and try again.",
        "cannot_delete_authenticator": second_factor.ONLY_ONE,
    }

    def encrypt(self, text: str) -> str:
        return sealed.seal(text, PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        return sealed.open_sealed(encrypted_text, PURPOSE)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not second_factor.is_the_last(authenticator)

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:  # noqa: A002  allauth's word
        return browser_name(context.request.META.get("HTTP_USER_AGENT", ""))

    def get_totp_issuer(self) -> str:
        return NAME

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        # From the settings: a Host header is the client's word.
        return {"id": urlsplit(settings.BASE_URL).hostname or "localhost", "name": NAME}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {**super().get_public_key_credential_user_entity(user), "display_name": user.name, "name": user.username}
