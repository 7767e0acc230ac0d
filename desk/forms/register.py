"""What a person is registered with, cleaned into the plain values of the deed."""

import unicodedata
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Field, Fieldset, Layout, Submit
from django import forms
from django.core.validators import MaxLengthValidator

from common import zones
from common.refusals import Refused
from desk.forms.contact import Address
from desk.forms.days import DayField
from desk.forms.particulars import SexField
from patients import conditions
from patients.limits import (
    LONGEST_CONDITION,
    LONGEST_MEDICINE,
    LONGEST_NAME,
    LONGEST_NOTE,
    LONGEST_RECORD_NUMBER,
    MOST_MEDICINES,
    birth_date_fault,
)
from patients.services import ConditionEntry


class Words(forms.CharField):
    """Text as people write it: one kind of line break, letters composed, no `maxlength` in the page.

    A browser would cut a pasted text at `maxlength` without a word; here what is too long is refused and kept.
    """

    def __init__(self, *, longest: int, called: str, **kwargs: Any) -> None:
        super().__init__(error_messages={"required": f"{called} is missing."}, **kwargs)
        sentence = f"{called} has %(show_value)s characters, and %(limit_value)s fit. Shorten it."
        self.validators.append(MaxLengthValidator(longest, sentence))

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


class ZoneInput(forms.TextInput):
    """A text field that searches a list: the browser's own datalist."""

    template_name = "desk/zone_input.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return {**super().get_context(name, value, attrs), "zones": zones.names()}


class RegisterForm(forms.Form):
    """`today` is the clinic's date, `zone_name` its zone, offered as the patient's."""

    name = Words(
        longest=LONGEST_NAME, called="The name", label="Name", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    birth_date = DayField(label="Date of birth", missing="The date of birth is missing.", attrs={"autocomplete": "off"})
    sex = SexField()
    record_number = Words(
        longest=LONGEST_RECORD_NUMBER,
        called="The record number",
        label="Record number",
        help_text="The number of your clinic's own record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = Address()
    zone = forms.CharField(
        label="Time zone",
        help_text="Where the patient sleeps: their nights and reminders follow it. Type a city to search.",
        widget=ZoneInput(attrs={"autocomplete": "off", "list": "id_zone-list"}),
        error_messages={"required": "The time zone is missing."},
    )
    conditions = forms.MultipleChoiceField(
        label="Treated for",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "That condition is not in the list. Write it below, in words."},
    )
    other_condition = Words(
        longest=LONGEST_CONDITION,
        called="The condition",
        label="Another condition, in words",
        required=False,
        widget=forms.TextInput,
    )
    medicines = Words(
        longest=MOST_MEDICINES * LONGEST_MEDICINE,
        called="The list of medicines",
        label="Current medicines",
        help_text="One a line, as written on the pack or by the patient.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    context_note = Words(
        longest=LONGEST_NOTE,
        called="The note",
        label="Context and triggers",
        help_text="Anything about the person's life that helps to read their nights. Up to 4,000 characters.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def __init__(self, *args: Any, today: date, zone_name: str, **kwargs: Any) -> None:
        super().__init__(*args, initial={"zone": zone_name}, **kwargs)
        self.today = today
        self.fields["conditions"].choices = [(c.code, c.name) for c in conditions.all_conditions().values()]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            Fieldset(
                "Person",
                Field("name"),
                Div("birth_date", "record_number", css_class="form-row"),
                "sex",
                Div("email", "zone", css_class="form-row"),
            ),
            Fieldset("Conditions", Field("conditions", css_class="choices"), "other_condition"),
            Fieldset("Medicines and context", "medicines", "context_note"),
            Div(Submit("save", "Register patient"), css_class="form-actions"),
        )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_record_number(self) -> str:
        return " ".join(self.cleaned_data["record_number"].split())

    def clean_birth_date(self) -> date:
        born: date = self.cleaned_data["birth_date"]
        if fault := birth_date_fault(born, today=self.today):
            raise forms.ValidationError(fault)
        return born

    def clean_zone(self) -> ZoneInfo:
        try:
            return zones.parse(self.cleaned_data["zone"])
        except Refused as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal

    def clean_medicines(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["medicines"].split("\n") if line.strip()]
        if len(lines) > MOST_MEDICINES:
            raise forms.ValidationError(f"There are {len(lines)} lines, and {MOST_MEDICINES} fit.")
        if too_long := [line for line in lines if len(line) > LONGEST_MEDICINE]:
            raise forms.ValidationError(
                f"The line that begins “{too_long[0][:30]}…” has {len(too_long[0])} characters, "
                f"and {LONGEST_MEDICINE} fit. Write one medicine a line."
            )
        return lines

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        named = cleaned.get("conditions") or cleaned.get("other_condition")
        if not named and not self.errors.keys() & {"conditions", "other_condition"}:
            self.add_error("conditions", "Tick at least one condition, or write another below.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """The keywords of `patients.services.register` that a person fills in."""
        cleaned = dict(self.cleaned_data)
        entries = [ConditionEntry(code=code) for code in cleaned.pop("conditions")]
        if other := cleaned.pop("other_condition"):
            entries.append(ConditionEntry(code=conditions.OTHER, words=other))
        return {**cleaned, "conditions": entries}
