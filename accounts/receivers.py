"""What follows from signing in, from failing to, and from changes to how one does: told to the memory, and by mail."""

from dataclasses import replace
from typing import Any

from allauth.account import signals as account_signals
from allauth.account.adapter import get_adapter
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import pre_delete

from accounts import addresses, second_factor, selectors, signed_in
from accounts.actors import NOBODY, Actor
from accounts.services import factors, sessions
from audit import services as audit
from common import clock


def connect() -> None:
    """Listen to Django and allauth."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    user_login_failed.connect(_failed)
    user_locked_out.connect(_locked_out)
    mfa_signals.authentication_failed.connect(_factor_failed)
    mfa_signals.authenticator_used.connect(_factor_used)
    mfa_signals.authenticator_added.connect(_factor_added)
    mfa_signals.authenticator_removed.connect(_factor_removed)
    mfa_signals.authenticator_reset.connect(_factor_reset)
    pre_delete.connect(_factor_is_to_go, sender=Authenticator)
    account_signals.authentication_step_completed.connect(_shown_again)
    account_signals.password_changed.connect(_password_changed)
    account_signals.password_reset.connect(_password_reset)


def _signed_in(request: Any, user: Any, **_: Any) -> None:
    sessions.sweep(at=clock.now())
    signed_in.begin(request, at=clock.now())
    method = second_factor.methods(request, user) if hasattr(request, "session") else ""
    _record(request, user, "sign_in", details={"method": method})


def _signed_out(request: Any, user: Any, **_: Any) -> None:
    if user is not None:
        # Because of a limit or, in most cases, because the person said so.
        by_limit = getattr(request, "signed_out_by", None)
        _record(request, user, "sign_out", details={"limit": by_limit} if by_limit else {})


def _failed(request: Any = None, **_: Any) -> None:
    # The name that was tried is not kept: people type their password into it.
    _record(request, None, "sign_in", result="denied")


def _locked_out(request: Any, **_: Any) -> None:
    # Once, when it begins: what is tried meanwhile is among the failed ones.
    if request.axes_failures_since_start is not None:
        _record(request, None, "sign_in.lockout", result="denied")


def _factor_failed(request: Any, user: Any, authenticator: Authenticator, **_: Any) -> None:
    _record(request, user, "factor.show", result="denied", details={"type": authenticator.type})


def _factor_used(request: Any, user: Any, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        authenticator.refresh_from_db()
        left = len(authenticator.wrap().get_unused_codes())
        _record(request, user, "factor.recovery_code", details={"left": left})
        get_adapter(request).send_notification_mail("mfa/email/recovery_code_used", user, {"left": left})


def _factor_added(request: Any, user: Any, authenticator: Authenticator, **_: Any) -> None:
    _record(request, user, "factor.add", details={"type": authenticator.type})
    if authenticator.type == Authenticator.Type.TOTP:
        # The code that proved the app is spent like any other.
        factors.spend_code(authenticator=authenticator, code=request.POST.get("code", ""), at=clock.now())
    if authenticator.type in second_factor.PROVING and not second_factor.given(request):
        # From here on a password alone opens nothing, also not where somebody stopped half-way.
        sessions.end_all(user=user, by=_actor(request, user), at=clock.now(), keep=request.session.session_key)
        second_factor.shown_by_enrolling(request, user, authenticator)
        request.session.cycle_key()


def _factor_is_to_go(instance: Authenticator, origin: Any, **_: Any) -> None:
    # One by itself is taken away by its owner. Several at once go with the account, or by a second administrator's
    # reset, and they leave none on purpose.
    if isinstance(origin, Authenticator):
        factors.keep_one(authenticator=instance)


def _factor_removed(request: Any, user: Any, authenticator: Authenticator, **_: Any) -> None:
    _record(request, user, "factor.remove", details={"type": authenticator.type})


def _factor_reset(request: Any, user: Any, authenticator: Authenticator, **_: Any) -> None:
    _record(request, user, "factor.reset", details={"type": authenticator.type})


def _shown_again(request: Any, user: Any, method: str, reauthenticated: bool = False, **_: Any) -> None:
    if reauthenticated:
        request.session.cycle_key()
        _record(request, user, "sign_in.again", details={"method": method})


def _password_changed(request: Any, user: Any, **_: Any) -> None:
    _end_sessions(request, user, "password.change")


def _password_reset(request: Any, user: Any, **_: Any) -> None:
    _end_sessions(request, user, "password.reset")


def _end_sessions(request: Any, user: Any, action: str) -> None:
    _record(request, user, action)
    sessions.end_all(user=user, by=_actor(request, user), at=clock.now())


def _record(request: Any, user: Any, action: str, **more: Any) -> None:
    audit.record(by=_actor(request, user), at=clock.now(), action=action, **more)


def _actor(request: Any, user: Any) -> Actor:
    actor = NOBODY if user is None else selectors.person_actor(user, clinic_id=None)
    if request is None:
        return actor
    return replace(
        actor,
        request_id=getattr(request, "id", None),
        address=addresses.remembered_address(request),
        agent=addresses.remembered_agent(request),
    )
