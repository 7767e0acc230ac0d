"""A course as a file, to be edited."""

from typing import Any

from django import forms

from desk.forms.layout import without_tags

LONGEST_FILE = 400_000


class WhatIfForm(forms.Form):
    use_required_attribute = False

    file = forms.CharField(
        label="The course as a file",
        max_length=LONGEST_FILE,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "class": "code"}),
        help_text="Add, change or take out what stands under “changes”. It is tried here and saved nowhere.",
        error_messages={
            "required": "There is nothing to try. Load the page again for the course as it is.",
            "max_length": "A file has at most %(limit_value)d characters; this one has %(show_value)d.",
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A browser that knows the limit cuts off what is pasted without a word.
        del self.fields["file"].widget.attrs["maxlength"]
        self.helper = without_tags("file")
