"""A line of a patient's list of medicines."""

from typing import Any

from crispy_forms.layout import Div
from django import forms

from desk.forms.days import DayField
from desk.forms.layout import without_tags
from desk.forms.register import Words
from patients.limits import LONGEST_MEDICINE
from patients.medicine_list import Listed
from patients.services.medicines import MedicineEntry


class MedicineForm(forms.Form):
    """Cleans to a `MedicineEntry`'s columns; `seen_version` is that of the line as it was shown, 0 for a new one."""

    use_required_attribute = False

    words = Words(
        longest=LONGEST_MEDICINE,
        called="The medicine",
        label="Medicine",
        help_text="As on the pack or as the patient says it, with its strength. One medicine.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    started_on = DayField(label="Started on")
    last_taken_on = DayField(label="Last dose on", help_text="Of an opioid the days of waiting are counted from here.")
    stopped_on = DayField(label="Stopped on", help_text="Empty: it goes on.")
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(
            "words", Div("started_on", "last_taken_on", "stopped_on", css_class="form-row"), "seen_version"
        )

    def clean_words(self) -> str:
        return " ".join(self.cleaned_data["words"].split())

    def entry(self) -> MedicineEntry:
        """The line as the deed names it. Call it on a sound form."""
        days = ("started_on", "last_taken_on", "stopped_on")
        return MedicineEntry(words=self.cleaned_data["words"], **{name: self.cleaned_data[name] for name in days})

    def seen(self) -> int:
        """The version that was looked at. Call it on a sound form."""
        return self.cleaned_data["seen_version"] or 0


def as_it_stands(medicine: Listed) -> MedicineForm:
    """The form filled with the line."""
    columns = ("words", "started_on", "last_taken_on", "stopped_on")
    initial = {name: getattr(medicine, name) for name in columns}
    return MedicineForm(initial={**initial, "seen_version": medicine.version})
