"""How long records are kept, and why one is erased."""

from typing import Any

from django import forms

from accounts.services.clinics import LONGEST_YEARS, SHORTEST_YEARS
from desk.forms.layout import LONGEST_REASON, without_tags
from desk.forms.register import Words

_BETWEEN = f"Choose from {SHORTEST_YEARS} to {LONGEST_YEARS} years."


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
        self.helper = without_tags("years")


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
        self.helper = without_tags("reason")
