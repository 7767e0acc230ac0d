"""Where a patient's mail goes, and what of it they get."""

from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator

from desk.forms.layout import without_tags
from patients.limits import LONGEST_ADDRESS


class Address(forms.EmailField):
    """A patient's e-mail address. What is too long is refused and kept, not cut by the browser."""

    def __init__(self) -> None:
        super().__init__(
            label="E-mail address",
            help_text="The invitation and the reminders go there. Two patients may share one.",
            widget=forms.EmailInput(attrs={"autocomplete": "off"}),
            error_messages={
                "required": "The e-mail address is missing.",
                "invalid": "That is not an e-mail address. It needs a name, an @ and a domain.",
            },
        )
        del self.widget.attrs["maxlength"]
        sentence = "The e-mail address has %(show_value)s characters, and %(limit_value)s fit. Shorten it."
        self.validators.append(MaxLengthValidator(LONGEST_ADDRESS, sentence))


class ContactForm(forms.Form):
    """Carries the version of the record that was on the screen; `zone_name` is where the patient's clock stands."""

    use_required_attribute = False

    email = Address()
    reminders_by_email = forms.BooleanField(
        label="Send reminders by e-mail",
        required=False,
        help_text="Without the tick no reminder goes out. Invitations and codes still do.",
    )
    log_reminder_at = forms.TimeField(
        label="Ask about the night at",
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "step": "60", "autocomplete": "off"}),
        input_formats=["%H:%M", "%H.%M", "%H%M"],
        error_messages={"required": "The time is missing.", "invalid": "Write the time like 09:00."},
    )
    seen_version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, zone_name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["log_reminder_at"].help_text = f"Every day, by the patient's own clock in {zone_name}."
        self.helper = without_tags("email", "reminders_by_email", "log_reminder_at", "seen_version")

    def clean_seen_version(self) -> int:
        """The version as a number; what no page of ours could have sent is older than any."""
        seen = self.cleaned_data["seen_version"]
        return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0
