"""The forms of signing in."""

from typing import Any

from allauth.account.forms import LoginForm, ResetPasswordForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.utils import decrypt, encrypt
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms

from accounts.services import factors
from common import clock

CODE = {"autocomplete": "one-time-code", "autocapitalize": "off", "spellcheck": "false", "placeholder": ""}


class SignInForm(LoginForm):  # type: ignore[misc]
    """Staff sign in with the e-mail address they were registered with."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail address"
        # “webauthn” lets the browser offer a passkey in the list it opens here.
        self.fields["login"].widget = forms.EmailInput(attrs={"autocomplete": "username webauthn", "autofocus": True})
        # The page has its own way to a forgotten password, below the button.
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs["autocomplete"] = "current-password"


class NewPasswordMailForm(ResetPasswordForm):  # type: ignore[misc]
    """Whom a mail with a link goes to: who signs in with exactly this address, never all who can be reached by it."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        self.users = [user for user in self.users if user.username.casefold() == email.casefold()][:1]
        return email


class _OnceOnly:
    """A one-time code is taken once, by the row that made it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]  # type: ignore[attr-defined]
        field.label = "Code of your app, or a recovery code"
        field.widget.attrs.update({**CODE, "autofocus": True})

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        used = self.authenticator  # type: ignore[attr-defined]
        if used.type == Authenticator.Type.TOTP and not factors.spend_code(
            authenticator=used, code=code, at=clock.now()
        ):
            self._emit_authentication_failed(used)  # type: ignore[attr-defined]
            raise get_adapter().validation_error("incorrect_code")
        return code


class CodeForm(_OnceOnly, AuthenticateForm):  # type: ignore[misc]
    """The second factor at sign-in."""


class CodeAgainForm(_OnceOnly, ReauthenticateForm):  # type: ignore[misc]
    """The second factor once more, before something that matters."""


class NewAppForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an authenticator app shows that it was set up right.

    Between the page with the picture and its code the secret waits in the session, sealed like the one that stays.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session = context.request.session
        if waiting := session.get(SECRET_SESSION_KEY):
            session[SECRET_SESSION_KEY] = decrypt(waiting)
        super().__init__(*args, **kwargs)
        session[SECRET_SESSION_KEY] = encrypt(self.secret)
        self.fields["code"].label = "The six digits your app shows now"
        self.fields["code"].widget.attrs.update({**CODE, "inputmode": "numeric"})


class NewPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A passkey, which knows its person by PIN, finger or face: no key that only answers to being touched."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["passwordless"]
        self.fields["name"].label = "Name of this passkey"
        self.fields["name"].max_length = 60
        self.fields["name"].widget.attrs["maxlength"] = 60
