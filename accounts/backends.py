"""Who may sign in with a password."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend


class StaffBackend(AuthenticationBackend):  # type: ignore[misc]
    """allauth's, but a right password of a closed account gets the same answer as a wrong one."""

    @classmethod
    def _stash_user(cls, user: Any) -> None:
        """Nobody is set aside to be told that their account is closed."""
