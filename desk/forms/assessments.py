"""A questionnaire that the clinic fills in for a patient, and whose numbers are shown in a crisis."""

from typing import Any

from crispy_forms.layout import Field
from django import forms

from desk.forms.days import DayField
from desk.forms.layout import RADIO, RADIOS, without_tags
from symptoms import crisis
from symptoms.scoring import Instrument, Item


class AssessmentForm(forms.Form):
    """One instrument's items and the day they speak of. What was left out on paper stays left out."""

    use_required_attribute = False

    on = DayField(label="Answered on", missing="Say on which day it was answered.")

    def __init__(self, *args: Any, instrument: Instrument, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instrument = instrument
        for item in instrument.items:
            self.fields[item.code] = _field(item)
        self.helper = without_tags("on", *(Field(item.code, template=RADIOS) for item in instrument.items))

    def answers(self) -> dict[str, int]:
        """Numbers by item code, without the items left out."""
        given = {item.code: self.cleaned_data[item.code] for item in self.instrument.items}
        return {code: value for code, value in given.items() if value is not None}


def _field(item: Item) -> forms.TypedChoiceField:
    ends = f"0 is “{item.scale[0]}”, 10 is “{item.scale[1]}”." if item.scale else ""
    return forms.TypedChoiceField(
        label=item.words,
        help_text=ends,
        choices=[(choice.value, choice.words) for choice in item.choices],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"invalid_choice": "Choose one of the answers shown."},
    )


class CrisisForm(forms.Form):
    """Whose public numbers are shown to somebody in a crisis."""

    use_required_attribute = False

    locale = forms.ChoiceField(
        label="Show the numbers of",
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Choose one.", "invalid_choice": "Choose one of these."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["locale"].choices = list(crisis.locales().items())  # type: ignore[attr-defined]
        self.helper = without_tags(Field("locale", template=RADIOS))
