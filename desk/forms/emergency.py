"""What a person fills in to open a restricted record in an emergency, and to review that it was done."""

from datetime import date
from typing import Any

from crispy_forms.layout import Div, Field, Fieldset
from django import forms
from django.core.validators import MinLengthValidator

from desk.forms.days import DayField
from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, without_tags
from desk.forms.register import Words
from patients.models import EmergencyAccess
from patients.services.emergencies import SHORTEST_REASON, Asked


class EmergencyForm(forms.Form):
    """Cleans to `asked` (by `values`) and `reason`."""

    use_required_attribute = False

    record_number = Words(
        longest=40,
        called="The record number",
        label="Record number",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name = Words(
        longest=200,
        called="The name",
        label="Name",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    birth_date = DayField(label="Date of birth", attrs={"autocomplete": "off"})
    reason = Words(
        longest=LONGEST_REASON,
        called="The reason",
        label="Why this cannot wait",
        help_text=f"At least {SHORTEST_REASON} characters. Your clinic's auditor reads it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sentence = f"Say a little more: at least {SHORTEST_REASON} characters, and there are %(show_value)s."
        self.fields["reason"].validators.append(MinLengthValidator(SHORTEST_REASON, sentence))
        self.helper = without_tags(
            Fieldset("Whose record", "record_number", Div("name", "birth_date", css_class="form-row")),
            Fieldset("Reason", "reason"),
        )

    def clean_reason(self) -> str:
        return " ".join(self.cleaned_data["reason"].split())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors.keys() & {"record_number", "name", "birth_date"} or cleaned.get("record_number"):
            return cleaned
        if not (cleaned.get("name") and cleaned.get("birth_date")):
            self.add_error("record_number", "Write the record number, or else the name and the date of birth.")
        return cleaned

    @property
    def asked(self) -> Asked:
        born: date | None = self.cleaned_data["birth_date"]
        return Asked(record_number=self.cleaned_data["record_number"], name=self.cleaned_data["name"], birth_date=born)


class ReviewForm(forms.Form):
    use_required_attribute = False

    outcome = forms.ChoiceField(
        label="Was it justified?",
        choices=EmergencyAccess.Outcome.choices,
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Say which it was."},
    )
    words = Words(
        longest=LONGEST_REASON,
        called="What you found out",
        label="What you found out",
        help_text="Whom you asked, and what follows from it.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(Field("outcome", template=RADIOS), "words")
