"""Laboratory values as they stand on a report, cleaned into the plain values of the deed."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from common.refusals import Refused
from desk.forms.days import DayField
from patients import labs
from patients.labs import Test
from patients.services.labs import LabValue

_NUMBER = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,3})?")
_RESULT = re.compile(rf"(?:(?P<comparator>[<>]=?|[≤≥]|)\s*(?P<number>{_NUMBER.pattern}))?")


class NumberField(forms.CharField):
    """A number as people write it, with a point or a comma and up to three decimals; blank is None."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "decimal", "autocomplete": "off", "class": "form-control", "size": "7"}
        super().__init__(required=False, widget=forms.TextInput(attrs=attrs), **kwargs)

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Decimal):
            return value
        text = str(value).strip()
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise ValidationError("Write the number alone, like 5.2.")
        return Decimal(text.replace(",", "."))

    def prepare_value(self, value: Any) -> Any:
        return number(value) if isinstance(value, Decimal) else value


@dataclass(frozen=True)
class Result:
    """A value as a laboratory reports it; with a comparator it is an end, and the value lies on that side of it."""

    value: Decimal
    comparator: str = ""


class ResultField(NumberField):
    """A number, or an end such as "<5", "≤ 5" or ">2000"; blank is None."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # A keyboard of digits has no < on it.
        self.widget.attrs["inputmode"] = "text"

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Result):
            return value
        matched = _RESULT.fullmatch(str(value).strip())
        if matched is None:
            raise ValidationError("Write the number, like 5.2, or the end as it was reported, like <5 or >2000.")
        if not matched["number"]:
            return None
        comparator = matched["comparator"].replace("≤", "<=").replace("≥", ">=")
        return Result(Decimal(matched["number"].replace(",", ".")), comparator)

    def prepare_value(self, value: Any) -> Any:
        return f"{labs.sign(value.comparator)}{number(value.value)}" if isinstance(value, Result) else value


def number(value: Decimal) -> str:
    """Without noughts at its end: "5.2", "40"."""
    return f"{value.normalize():f}"


def _taken_on() -> DayField:
    return DayField(label="Sample taken on", missing="Say when the sample was taken.", attrs={"class": "form-control"})


@dataclass(frozen=True)
class Row:
    """One test with its four fields."""

    test: Test
    value: forms.BoundField
    unit: forms.BoundField
    low: forms.BoundField
    high: forms.BoundField

    @property
    def fields(self) -> tuple[forms.BoundField, ...]:
        return (self.value, self.unit, self.low, self.high)

    @property
    def errors(self) -> list[str]:
        return [error for field in self.fields for error in field.errors]


class LabsForm(forms.Form):
    """Every test of the list, or `only` one; a test without a value is left out."""

    use_required_attribute = False

    taken_on = _taken_on()

    def __init__(self, *args: Any, only: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tests = [test for code, test in labs.tests().items() if only in ("", code)]
        for test in self.tests:
            self.fields[f"value_{test.code}"] = ResultField(label=f"{test.name}, value")
            called = {"low": "reference from", "high": "reference to"}
            for part, words in called.items():
                self.fields[f"{part}_{test.code}"] = NumberField(label=f"{test.name}, {words}")
            self.fields[f"unit_{test.code}"] = forms.ChoiceField(
                label=f"{test.name}, unit",
                required=False,
                choices=[(unit.ucum, unit.shown) for unit in test.units],
                widget=forms.Select(attrs={"class": "form-select"}),
                error_messages={"invalid_choice": f"{test.name} is not put on record in this unit."},
            )

    @property
    def rows(self) -> list[Row]:
        return [
            Row(test, *(self[f"{part}_{test.code}"] for part in ("value", "unit", "low", "high")))
            for test in self.tests
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        written = [test for test in self.tests if cleaned.get(f"value_{test.code}") is not None]
        for test in self.tests:
            low, high = cleaned.get(f"low_{test.code}"), cleaned.get(f"high_{test.code}")
            if low is not None and high is not None and low > high:
                self.add_error(f"low_{test.code}", "The lower end is above the upper one.")
        if not written and not self.errors:
            self.add_error(None, "No value was written. Write at least one.")
        return cleaned

    def values(self) -> list[LabValue]:
        """The values written, each with its unit and range. Raises `Refused` for a unit the test does not have."""
        cleaned, found = self.cleaned_data, []
        for test in self.tests:
            value = cleaned[f"value_{test.code}"]
            if value is None:
                continue
            unit = cleaned[f"unit_{test.code}"] or test.units[0].ucum
            found.append(
                LabValue(
                    code=test.code,
                    value=value.value,
                    comparator=value.comparator,
                    unit=unit,
                    taken_on=cleaned["taken_on"],
                    low=cleaned[f"low_{test.code}"],
                    high=cleaned[f"high_{test.code}"],
                )
            )
        if not found:
            raise Refused("No value was written. Write at least one.")
        return found
