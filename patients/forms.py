"""What both faces ask when somebody is let look after a patient. Each face lays the fields out in its own way."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator

from patients.limits import LONGEST_ADDRESS
from patients.models import CareGrant
from patients.services import LONGEST_GRANT

_ONE_DAY = timedelta(days=1)


class CareForm(forms.Form):
    """Who is let look after the patient, how far, and until when. `today` is the patient's."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "The name is missing."})
    email = forms.EmailField(
        label="E-mail address",
        help_text="The invitation goes there. It names nobody and says nothing of health.",
        error_messages={
            "required": "The e-mail address is missing.",
            "invalid": "That is not an e-mail address. It needs a name, an @ and a domain.",
        },
    )
    relation = forms.CharField(label="Relation", required=False, max_length=40, help_text="Such as parent or partner.")
    rights = forms.ChoiceField(
        label="They may",
        choices=CareGrant.Rights.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Say how far they may go.", "invalid_choice": "Choose one of the two."},
    )
    last_day = forms.DateField(
        label="Last day",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
        error_messages={"required": "The last day is missing.", "invalid": "Write the day like 2026-03-27."},
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["last_day"].help_text = "At most a year ahead. It can be granted again then."
        for name, longest in (("name", 120), ("relation", 40), ("email", LONGEST_ADDRESS)):
            field = self.fields[name]
            # A browser that knows the limit cuts off what is pasted without a word.
            field.widget.attrs.pop("maxlength", None)
            field.validators = [v for v in field.validators if not isinstance(v, MaxLengthValidator)]
            sentence = f"{field.label} has %(show_value)s characters, and %(limit_value)s fit. Shorten it."
            field.validators.append(MaxLengthValidator(longest, sentence))
            field.widget.attrs["autocomplete"] = "off"

    def clean_last_day(self) -> date:
        last_day: date = self.cleaned_data["last_day"]
        if not self.today <= last_day < self.today + LONGEST_GRANT:
            raise ValidationError("Choose a day from today on and at most a year ahead.")
        return last_day

    def values(self) -> dict[str, Any]:
        """The keywords of `patients.services.grant_care` that a person fills in."""
        given = {name: self.cleaned_data[name] for name in ("name", "email", "relation", "rights")}
        return {**given, "expires_on": self.cleaned_data["last_day"] + _ONE_DAY}
