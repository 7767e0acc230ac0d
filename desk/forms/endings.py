"""What a person fills in to end a patient's care."""

from typing import Any

from crispy_forms.layout import Field
from django import forms

from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, without_tags
from desk.forms.register import Words
from patients.models import CareEnded


class EndCareForm(forms.Form):
    use_required_attribute = False

    because = forms.ChoiceField(
        label="Why",
        choices=CareEnded.choices,
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Say why the care ends.", "invalid_choice": "Choose one of these."},
    )
    reason = Words(
        longest=LONGEST_REASON,
        called="How you know",
        label="How you know",
        help_text="Who told it, and when.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(Field("because", template=RADIOS), "reason")
