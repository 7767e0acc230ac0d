"""Recording a consent signed on paper, one taken back, and publishing the clinic's own text."""

from typing import Any

from django import forms

from desk.forms.days import DayField
from desk.forms.layout import LONGEST_REASON, without_tags
from desk.forms.register import Words
from patients.consent import LONGEST_BODY
from patients.services.consenting import LONGEST_NAME

LONGEST_TITLE = 200


class PaperConsentForm(forms.Form):
    """A paper that lies before whoever records it. `first` is where a refusal is shown."""

    use_required_attribute = False
    first = "signed_on"

    typed_name = Words(
        longest=LONGEST_NAME,
        called="The name",
        label="Signed by",
        help_text="The name as it stands on the paper; for a child that of the parent or guardian.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    signed_on = DayField(label="On", missing="Write the date on the paper.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("typed_name", "signed_on")


class WithdrawConsentForm(forms.Form):
    use_required_attribute = False
    first = "words"

    words = Words(
        longest=LONGEST_REASON,
        called="What was said",
        label="What the patient said",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("words")


class ConsentTextForm(forms.Form):
    """A version of the clinic's own text. Whether it is well formed the deed says."""

    use_required_attribute = False

    title = Words(longest=LONGEST_TITLE, called="The title", label="Title")
    body = Words(
        longest=LONGEST_BODY,
        called="The text",
        label="The text",
        help_text="A line that begins with “# ” is a heading, one with “- ” a point of a list. {clinic} and {phone} "
        "become yours, {evidence} what is known for the patient's own conditions.",
        widget=forms.Textarea(attrs={"rows": 24}),
    )
    material = forms.BooleanField(
        label="It matters: everybody who has signed reads and signs anew",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    because = Words(
        longest=LONGEST_REASON,
        called="What has changed",
        label="What has changed, and why",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("title", "body", "material", "because")
