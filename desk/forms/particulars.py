"""What a record says of a person beside name and birth."""

from typing import Any

from django import forms

from desk.forms.layout import without_tags
from patients.models import Sex


class SexField(forms.ChoiceField):
    """For the lines of rules and reference ranges; it may stay unsaid."""

    def __init__(self) -> None:
        super().__init__(
            label="Sex, for reference ranges",
            required=False,
            choices=[("", "Not said"), *Sex.choices],
            help_text="Some lines differ by it, such as that of the AUDIT-C. Unsaid, the one that warns earlier holds.",
            error_messages={"invalid_choice": "Choose one of these, or leave it unsaid."},
        )


class SexForm(forms.Form):
    """Carries the version of the record that was on the screen."""

    use_required_attribute = False

    sex = SexField()
    seen_version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("sex", "seen_version")

    def clean_seen_version(self) -> int:
        """The version as a number; what no page of ours could have sent is older than any."""
        seen = self.cleaned_data["seen_version"]
        return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0
