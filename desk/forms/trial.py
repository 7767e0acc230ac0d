"""What a course is tried for, and what came of it."""

from typing import Any

from crispy_forms.layout import Field
from django import forms

from desk.forms.days import DayField
from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, without_tags
from desk.forms.register import Words
from titration.models import TrialEntry

LONGEST_LINE = 300


class TrialForm(forms.Form):
    """The question, and by when it is decided. `first` is the field the focus may go to."""

    use_required_attribute = False

    question = Words(longest=LONGEST_LINE, called="The question", label="What is this course to show?")
    lead_symptom = Words(
        longest=LONGEST_LINE, called="The lead symptom", label="By which symptom it is judged", required=False
    )
    criterion = Words(
        longest=LONGEST_LINE,
        called="What counts as success",
        label="What counts as success",
        help_text="For example: pain at least 2 points lower on most nights of two weeks.",
    )
    decide_on = DayField(label="Decided by", missing="A reasonable trial has an end: choose the date.")
    reasoning = Words(
        longest=LONGEST_REASON,
        called="The reasoning",
        label="Benefit and risk for this patient, in your words",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("question", "lead_symptom", "criterion", "decide_on", "reasoning")


class AnswerTrialForm(forms.Form):
    use_required_attribute = False

    outcome = forms.ChoiceField(
        label="What came of it?",
        choices=TrialEntry.Outcome.choices,
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Say which it was.", "invalid_choice": "Choose one of these."},
    )
    words = Words(
        longest=LONGEST_REASON,
        called="What it rests on",
        label="What it rests on",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(Field("outcome", template=RADIOS), "words")
