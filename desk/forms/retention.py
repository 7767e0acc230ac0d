"""How long records are kept, and why one is erased."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms

from accounts.services.clinics import LONGEST_YEARS, SHORTEST_YEARS
from desk.forms.register import Words

LONGEST_REASON = 2000
_BETWEEN = f"Choose from {SHORTEST_YEARS} to {LONGEST_YEARS} years."


def _helper(*fields: str) -> FormHelper:
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*fields)
    return helper


class YearsForm(forms.Form):
    use_required_attribute = False

    years = forms.IntegerField(
        label="Keep records for so many years after the last entry",
        min_value=SHORTEST_YEARS,
        max_value=LONGEST_YEARS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": "Say for how many years.",
            "invalid": "Write a whole number of years.",
            "min_value": _BETWEEN,
            "max_value": _BETWEEN,
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = _helper("years")


class EraseForm(forms.Form):
    use_required_attribute = False

    reason = Words(
        longest=LONGEST_REASON,
        called="The reason",
        label="Why",
        help_text="It stays after the record is gone: name nobody in it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = _helper("reason")
