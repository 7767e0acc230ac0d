"""Second factors of tests: an authenticator app in a few lines, and recovery codes as their owner reads them."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value

from accounts.models import User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "a long pass phrase of the tests"


def app(user: User) -> Authenticator:
    """An authenticator app with SECRET."""
    return TOTP.activate(user, SECRET).instance


def code(secret: str = SECRET, *, steps: int = 0) -> str:
    """What the app shows now, or so many half-minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def recovery_codes(user: User) -> list[str]:
    return list(RecoveryCodes.activate(user).get_unused_codes())


def first(client: Any, user: User, password: str = PASSWORD) -> Any:
    """The first factor only."""
    return client.post("/accounts/login/", {"login": user.username, "password": password})


def second(client: Any, shown: str) -> Any:
    """A code as the second."""
    return client.post("/accounts/factors/authenticate/", {"code": shown})
