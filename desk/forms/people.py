"""What an administrator fills in about members, and a person who accepts an invitation."""

from dataclasses import dataclass
from typing import Any

from crispy_forms.layout import Field
from django import forms
from django.contrib.auth import password_validation
from django.core.validators import MaxLengthValidator

from accounts import policy
from accounts.models import Membership, User
from accounts.services import members
from desk.forms.layout import RADIO, RADIOS, without_tags
from desk.forms.register import Words
from patients.limits import LONGEST_ADDRESS

_ROLES = "desk/_role_choice.html"


@dataclass(frozen=True)
class RoleChoice:
    """A role as it is offered."""

    name: str
    for_whom: str


class _Role(forms.ChoiceField):
    """The roles, each with whom it is for."""

    def __init__(self) -> None:
        super().__init__(
            label="Role",
            choices=[(role, RoleChoice(Membership.Role(role).label, words)) for role, words in policy.FOR_WHOM.items()],
            widget=forms.RadioSelect(attrs=RADIO),
            error_messages={"required": "Choose a role.", "invalid_choice": "That is not one of the roles."},
        )


class InviteForm(forms.Form):
    use_required_attribute = False

    address = forms.EmailField(
        label="E-mail address",
        help_text="The invitation goes there, and this person will sign in with it.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "The e-mail address is missing.",
            "invalid": "That is not an e-mail address. It needs a name, an @ and a domain.",
        },
    )
    role = _Role()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A browser that knows the limit cuts off what is pasted without a word.
        self.fields["address"].widget.attrs.pop("maxlength", None)
        sentence = "The e-mail address has %(show_value)s characters, and %(limit_value)s fit. Shorten it."
        self.fields["address"].validators.append(MaxLengthValidator(LONGEST_ADDRESS, sentence))
        self.helper = without_tags("address", Field("role", template=_ROLES))


class RoleForm(forms.Form):
    use_required_attribute = False

    role = _Role()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(Field("role", template=_ROLES))


class LostForm(forms.Form):
    use_required_attribute = False

    reason = forms.ChoiceField(
        label="What happened",
        choices=list(members.LOST.items()),
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Say what happened.", "invalid_choice": "Choose one of the reasons."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(Field("reason", template=RADIOS))


class AcceptForm(forms.Form):
    """A new person's name and password; `address` is the one they were invited by."""

    use_required_attribute = False

    name = Words(
        longest=200,
        called="Your name",
        label="Your name",
        help_text="As your colleagues and the record will show it.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        help_text="At least 15 characters. A sentence that only you would think of is good; "
        "a password manager is better.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "The password is missing."},
    )
    again = forms.CharField(
        label="The same password again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Write the password a second time, so that no slip of a key locks you out."},
    )

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = address
        self.helper = without_tags("name", "password", "again")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password, again = cleaned.get("password"), cleaned.get("again")
        if password and again and password != again:
            self.add_error("again", "The two passwords differ.")
        elif password:
            person = User(username=self.address, email=self.address, name=cleaned.get("name", ""))
            try:
                password_validation.validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned
