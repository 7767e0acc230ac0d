"""How allauth behaves here: nobody signs up by themselves, and mail addresses are not proof of a person."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts.addresses import client_address


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by a clinic's administrator or by a patient's invitation, never by a public form."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_safe_url(self, url: str | None) -> bool:
        return bool(url) and super().is_safe_url(url)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: the page that follows shows whether it worked."""
