"""Deeds about second factors that allauth leaves to us."""

from datetime import datetime

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.db import transaction

from accounts import second_factor
from accounts.models import User
from common.refusals import Refused

SPENT = "spent_step"


@transaction.atomic
def spend_code(*, authenticator: Authenticator, code: str, at: datetime) -> bool:
    """Use up the time step of an accepted one-time code; no if it, or a later one, was used before.

    The row remembers the step, so a code read over a shoulder is worth nothing wherever it is typed next: also where
    the cache is away, and in the neighbouring steps that are accepted for clocks that go wrong.
    """
    row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
    step = _step(decrypt(row.data["secret"]), code, at)
    if step is None or step <= row.data.get(SPENT, -1):
        return False
    row.data[SPENT] = step
    row.save(update_fields=["data"])
    return True


def keep_one(*, authenticator: Authenticator) -> None:
    """Refuse to take away the last factor that its person could prove themself with.

    To be asked in the transaction that deletes: removals by one person stand in a queue at their row.
    """
    User.objects.select_for_update(no_key=True).get(pk=authenticator.user_id)
    if second_factor.is_the_last(authenticator):
        raise Refused(second_factor.ONLY_ONE)


def _step(secret: str, code: str, at: datetime) -> int | None:
    """The time step this code belongs to, within the tolerance; the latest where two fit."""
    now = int(at.timestamp()) // app_settings.TOTP_PERIOD
    for step in range(now + app_settings.TOTP_TOLERANCE, now - app_settings.TOTP_TOLERANCE - 1, -1):
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return step
    return None
