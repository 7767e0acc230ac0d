"""The thresholds of a clinic, what is said of a finding, and the signature under the rules."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django import forms

from desk.forms.layout import LONGEST_REASON, without_tags
from desk.forms.register import Words
from titration.engine.advice.book import Threshold

PREFIX = "threshold-"


def _reason(label: str) -> Words:
    return Words(longest=LONGEST_REASON, called="The reason", label=label, widget=forms.Textarea(attrs={"rows": 3}))


class ThresholdsForm(forms.Form):
    """A number for each threshold, within its ends."""

    use_required_attribute = False

    def __init__(self, *args: Any, thresholds: Mapping[str, Threshold], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.thresholds = thresholds
        for name, one in thresholds.items():
            self.fields[PREFIX + name] = _number(one)
        self.fields["reason"] = _reason("Why these numbers")
        self.helper = without_tags("reason")

    @property
    def chosen(self) -> dict[str, Decimal]:
        """The numbers by the names of their thresholds; only of a form that is valid."""
        return {name: self.cleaned_data[PREFIX + name] for name in self.thresholds}

    def rows(self) -> Iterator[tuple[Threshold, forms.BoundField]]:
        """Each threshold with its field."""
        for name, one in self.thresholds.items():
            yield one, self[PREFIX + name]


def _number(one: Threshold) -> forms.DecimalField:
    between = f"From {one.least} to {one.most} {one.unit}."
    field = forms.DecimalField(
        label=one.meaning,
        min_value=one.least,
        max_value=one.most,
        max_digits=6,
        decimal_places=2,
        initial=one.value,
        widget=forms.TextInput(attrs={"class": "form-control", "inputmode": "decimal", "autocomplete": "off"}),
        error_messages={
            "required": between,
            "invalid": f"Write a number. {between}",
            "min_value": between,
            "max_value": between,
            "max_decimal_places": "At most two decimals.",
            "max_digits": between,
        },
    )
    field.disabled = one.least == one.most
    return field


class DismissForm(forms.Form):
    """Why an alert is set aside; one that keeps a first dose from being taken (`closes_the_start`), a second time."""

    use_required_attribute = False

    reason = _reason("Why you set this aside")
    confirmed = forms.BooleanField(
        label="I confirm once more: the first dose may be taken in spite of it",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, closes_the_start: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not closes_the_start:
            del self.fields["confirmed"]
        self.helper = without_tags(*self.fields)


class ReviewForm(forms.Form):
    """The line under the rules: who has read them, in their own typing."""

    use_required_attribute = False

    name = Words(longest=200, called="The name", label="Name")
    licence = Words(longest=80, called="The licence", label="Licence")
    words = Words(
        longest=LONGEST_REASON,
        called="What you say",
        label="What you found",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("name", "licence", "words")
