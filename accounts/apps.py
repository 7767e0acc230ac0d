"""Remembers in the audit who signed in, who signed out and that somebody failed to."""

from dataclasses import replace
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        user_logged_in.connect(_signed_in)
        user_logged_out.connect(_signed_out)
        user_login_failed.connect(_failed)


def _signed_in(request: Any, user: Any, **_: Any) -> None:
    from accounts import signed_in  # noqa: PLC0415  models are not ready when this module is read
    from common import clock  # noqa: PLC0415

    signed_in.begin(request, at=clock.now())
    _record(request, user, "sign_in")


def _signed_out(request: Any, user: Any, **_: Any) -> None:
    if user is not None:
        # Because of a limit or, in most cases, because the person said so.
        by_limit = getattr(request, "signed_out_by", None)
        _record(request, user, "sign_out", **({"details": {"limit": by_limit}} if by_limit else {}))


def _failed(request: Any = None, **_: Any) -> None:
    # The name that was tried is not kept: people type their password into it.
    _record(request, None, "sign_in", result="denied")


def _record(request: Any, user: Any, action: str, **more: Any) -> None:
    from accounts import selectors  # noqa: PLC0415  models are not ready when this module is read
    from accounts.actors import NOBODY  # noqa: PLC0415
    from audit import services as audit  # noqa: PLC0415
    from common import clock  # noqa: PLC0415

    actor = NOBODY if user is None else selectors.person_actor(user, clinic_id=None)
    by = replace(actor, request_id=getattr(request, "id", None))
    audit.record(by=by, at=clock.now(), action=action, **more)
