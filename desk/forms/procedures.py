"""A procedure: entered, moved, cancelled, over. Cleaned into the plain values of the deeds."""

from typing import Any

from crispy_forms.layout import Field
from django import forms

from desk.forms.days import DayField
from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, without_tags
from desk.forms.register import Words
from titration.engine import procedure as engine
from titration.models import Procedure
from titration.services.procedures import Asked, Over

LONGEST_WORDS = 300


class ProcedureForm(forms.Form):
    """What is known of a procedure."""

    use_required_attribute = False

    words = Words(longest=LONGEST_WORDS, called="The kind of procedure", label="What kind of procedure")
    on = DayField(label="Day", missing="Say on which day.")
    time = forms.TimeField(
        label="Time, if known",
        required=False,
        input_formats=["%H:%M", "%H.%M", "%H:%M:%S"],
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        help_text="By the patient's clock. Without it, 06:00 is counted.",
        error_messages={"invalid": "Write the time like 08:30."},
    )
    opioids_expected = forms.ChoiceField(
        label="Are opioids expected, during or after it?",
        choices=Procedure.Opioids.choices,
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Say whether opioids are expected.", "invalid_choice": "Choose one of these."},
    )
    hours = forms.IntegerField(
        label="Hours between the last dose and the procedure",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": "Say how many hours.", "invalid": "Write a whole number, like 72."},
    )

    def __init__(self, *args: Any, usual_hours: int, **kwargs: Any) -> None:
        """`usual_hours` is what the clinic has set for all of its patients."""
        super().__init__(*args, **kwargs)
        published = f"published: {engine.LEAST_HOURS} to {engine.MOST_HOURS}"
        self.fields["hours"].help_text = f"Usually {usual_hours} here; {published}."
        self.helper = without_tags("words", "on", "time", Field("opioids_expected", template=RADIOS), "hours")

    def asked(self) -> Asked:
        return Asked(**{name: self.cleaned_data[name] for name in ("on", "time", "words", "opioids_expected", "hours")})


class CancelForm(forms.Form):
    use_required_attribute = False

    reason = Words(longest=LONGEST_REASON, called="The reason", label="Why", widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("reason")


class FinishForm(forms.Form):
    """What was taken round it, and since when nothing is."""

    use_required_attribute = False

    opioids = forms.ChoiceField(
        label="Which opioids were taken?",
        choices=[
            ("none", "None at all"),
            ("short", "Short-acting ones, for 7 days at most"),
            ("long", "Long-acting ones, or for longer"),
        ],
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Say which.", "invalid_choice": "Choose one of these."},
    )
    since_on = DayField(label="First day without any opioid")
    days_needed = forms.IntegerField(
        label="Opioid-free days asked for, if other than usual",
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text="Usually 10 after a short course (7 with a reason), 14 otherwise.",
        error_messages={"invalid": "Write a whole number, like 10."},
    )
    reason = Words(
        longest=LONGEST_REASON,
        called="The reason",
        label="Why fewer, if fewer",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(Field("opioids", template=RADIOS), "since_on", "days_needed", "reason")

    def over(self) -> Over:
        values, taken = self.cleaned_data, self.cleaned_data["opioids"] != "none"
        return Over(
            opioids_taken=taken,
            since_on=values["since_on"] if taken else None,
            short_course=values["opioids"] == "short",
            days_needed=values["days_needed"] if taken else None,
            reason=values["reason"],
        )
