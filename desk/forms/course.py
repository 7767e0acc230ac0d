"""What a person fills in to hold, step or stop a course, or to answer an opioid report."""

from typing import Any

from crispy_forms.layout import Field
from django import forms

from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, without_tags
from titration.models import OpioidReview

SAY_WHY = "Say why, so that the next person understands."


def reason_field(label: str, *, required: bool = True, help_text: str = "") -> forms.CharField:
    field = forms.CharField(
        label=label,
        required=required,
        max_length=LONGEST_REASON,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "required": SAY_WHY,
            "max_length": f"A reason has at most {LONGEST_REASON:,} characters; this one has %(show_value)d.",
        },
    )
    # A browser that knows the limit cuts off what is pasted without a word.
    del field.widget.attrs["maxlength"]
    return field


class CourseForm(forms.Form):
    """Carries the version of the course that was on the screen."""

    use_required_attribute = False

    seen_version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags()

    def clean_seen_version(self) -> int:
        """The version as a number; what no page of ours could have sent is older than any."""
        seen = self.cleaned_data["seen_version"]
        return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0


class HoldForm(CourseForm):
    days = forms.IntegerField(
        label="Hold at this dose for so many days",
        initial=7,
        widget=forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "off",
                # What the hold moves follows what is typed; without scripts a button asks for it.
                "hx-post": "",
                "hx-trigger": "input changed delay:400ms",
                "hx-vals": '{"action": "preview"}',
                "hx-target": "#effect",
                "hx-select": "#effect",
                "hx-swap": "outerHTML",
            }
        ),
        error_messages={"required": "Say for how many days.", "invalid": "Write a whole number of days."},
    )
    reason = reason_field("Why")

    field_order = ["days", "reason", "seen_version"]


class AdvanceForm(CourseForm):
    reason = reason_field("Why", required=False)

    field_order = ["reason", "seen_version"]


class StopForm(CourseForm):
    reason = reason_field("Why")

    field_order = ["reason", "seen_version"]


class AnswerReportForm(forms.Form):
    use_required_attribute = False

    outcome = forms.ChoiceField(
        label="What was it?",
        choices=OpioidReview.Outcome.choices,
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Say which it was."},
    )
    reason = reason_field("What you found out")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(Field("outcome", template=RADIOS), "reason")
