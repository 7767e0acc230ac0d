"""A questionnaire as a form on the patient's pages. Nothing here saves."""

from typing import Any

from django import forms

from symptoms.scoring import Instrument, Item

LEFT_OUT = "left_out"


class QuestionnaireForm(forms.Form):
    """One instrument's items, without those of `answered_before`, which were answered today in the shorter form.

    A question left out is asked after once; with the tick, or where the answers call for help, it is taken as it is.
    """

    use_required_attribute = False

    def __init__(self, *args: Any, instrument: Instrument, answered_before: dict[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instrument = instrument
        self.answered_before = answered_before
        for item in instrument.items:
            if item.code not in answered_before:
                self.fields[item.code] = _field(item)
        self.fields[LEFT_OUT] = forms.BooleanField(label="Send it with questions left out", required=False)
        self.asks_left_out = False

    @property
    def questions(self) -> list["tuple[Item, forms.BoundField]"]:
        """Each item asked, with its field."""
        return [(item, self[item.code]) for item in self.instrument.items if item.code in self.fields]

    @property
    def tells_of_a_crisis(self) -> bool:
        """Whether the item that is acted on at once was answered above nought."""
        code = self.instrument.crisis_item
        return bool(code and self.is_bound and self.cleaned_data.get(code))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        missing = [
            item.code for item, _ in self.questions if item.code not in self.errors and cleaned[item.code] is None
        ]
        if len(missing) == len(self.questions):
            self.add_error(None, "Nothing is answered yet. Answer what you can, then save.")
        elif missing and not cleaned.get(LEFT_OUT) and not self.tells_of_a_crisis:
            self.asks_left_out = True
            for code in missing:
                self.add_error(code, "Not answered yet. Answer it, or tick the box at the end to leave it out.")
        return cleaned

    def answers(self) -> dict[str, int]:
        """Numbers by item code, those of the shorter form among them."""
        given = {item.code: self.cleaned_data[item.code] for item, _ in self.questions}
        return self.answered_before | {code: value for code, value in given.items() if value is not None}


def _field(item: Item) -> forms.TypedChoiceField:
    choices = [(choice.value, choice.words) for choice in item.choices]
    if item.scale is not None:
        # A row of numbers has a place to take an answer back; among words nothing chosen says it already.
        choices = [("", "No answer"), *choices]  # type: ignore[list-item]
    return forms.TypedChoiceField(
        label=item.words,
        choices=choices,
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of the answers shown."},
    )
