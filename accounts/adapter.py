"""How allauth behaves here: nobody signs up by themselves, and mail addresses are not proof of a person."""

import logging
import smtplib
import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts import second_factor
from accounts.addresses import client_address, counted_address
from accounts.presenters import browser_name

log = logging.getLogger(__name__)

# Asked in this order when somebody has to show once more that it is them.
REAUTHENTICATION = ("mfa_reauthenticate:webauthn", "mfa_reauthenticate", "reauthenticate")


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by a clinic's administrator or by a patient's invitation, never by a public form."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """What rates are counted by; our own mails name no address."""
        return counted_address(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Failures are counted by address alone; names and addresses together are django-axes' part."""
        self._login_failed_rl_usage = ratelimit.consume(
            request, app="allauth.account", action="password", config={"password": settings.SIGN_IN_FAILURES}
        )
        if not self._login_failed_rl_usage:
            raise self.validation_error("too_many_login_attempts")

    def get_login_stages(self) -> list[str]:
        return ["allauth.mfa.stages.AuthenticateStage"]

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The passkey first. A password alone will do only for who has nothing else yet."""
        found = super().get_reauthentication_methods(user)
        if not isinstance(user, AnonymousUser) and second_factor.enrolled(user):
            found = [method for method in found if method["id"] != "reauthenticate"]
        return sorted(found, key=lambda method: REAUTHENTICATION.index(method["id"]))

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who has just signed in is not asked again for what they show or change about their own factors."""
        if app == "allauth.mfa":
            age = time.time() - second_factor.latest_at(context.request)
            return bool(age >= app_settings.REAUTHENTICATION_TIMEOUT)
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Nobody learns here that an account was closed."""
        messages.error(request, "That sign-in was not accepted.")
        return redirect("account_login")

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell a person of a change to their sign-in, at the address they sign in with. A lost mail stops no change."""
        request = self.request
        words = {
            "at": timezone.now(),
            "address": client_address(request),
            "browser": browser_name(request.META.get("HTTP_USER_AGENT", "")),
            **(context or {}),
        }
        try:
            self.send_mail(template_prefix, email or user.email or user.username, words)
        except (OSError, smtplib.SMTPException) as fault:
            log.error("a mail about a sign-in was not sent: %s", type(fault).__name__)

    def is_safe_url(self, url: str | None) -> bool:
        return bool(url) and super().is_safe_url(url)

    def add_message(self, request: HttpRequest, level: int, *args: Any, message: str = "", **kwargs: Any) -> None:
        """Say only what went wrong: else the page that follows shows that it worked."""
        if message and level >= messages.ERROR:
            messages.error(request, message)
