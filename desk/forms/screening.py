"""What is decided on a screening that stops."""

from typing import Any

from crispy_forms.layout import Field
from django import forms

from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, without_tags
from desk.forms.register import Words
from patients.models import ScreeningDecision
from patients.screening import Outcome, Result

DECISIONS = ScreeningDecision.Kind


class DecisionForm(forms.Form):
    """Going on in spite of one result. A soft stop asks for a reason alone; a hard stop for a second confirmation."""

    use_required_attribute = False

    kind = forms.ChoiceField(
        label="Why it goes on",
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Say in which way it goes on.", "invalid_choice": "Choose one of these."},
    )
    words = Words(
        longest=LONGEST_REASON,
        called="The reason",
        label="The reason",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    confirmed = forms.BooleanField(
        label="I confirm once more: it goes on in spite of a hard stop",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, result: Result, **kwargs: Any) -> None:
        super().__init__(*args, prefix=result.code, **kwargs)
        hard = result.outcome is Outcome.HARD_STOP
        ways = [(DECISIONS.OVERRIDE, "I override it")] if hard else [(DECISIONS.REASON, "With a reason")]
        if result.lift:
            ways.insert(0, (DECISIONS.AGREED, f"{result.lift} agreed in writing"))
        self.fields["kind"].choices = ways
        shown = ["words"]
        if len(ways) == 1:
            self.fields["kind"].required = False
            self.only = ways[0][0].value
        else:
            self.only = ""
            self.fields["words"].label = "Who agreed and when, or why it is overridden"
            shown.insert(0, Field("kind", template=RADIOS))
        if hard:
            shown.append("confirmed")
        self.helper = without_tags(*shown)

    def clean_kind(self) -> str:
        return self.only or str(self.cleaned_data["kind"])


class WaiveForm(forms.Form):
    """Why a plan begins without a screening."""

    use_required_attribute = False

    reason = Words(
        longest=LONGEST_REASON,
        called="The reason",
        label="Why it begins without one",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("reason")
