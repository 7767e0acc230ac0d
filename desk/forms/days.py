"""The field of a date."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from titration.engine.course import FIRST_DAY, LAST_DAY


class DayField(forms.DateField):
    """A date, of the years that a course may lie in: further out it could not be counted from.

    `missing` is the sentence where nothing was typed; without one the field may stay empty.
    """

    def __init__(self, *, missing: str = "", attrs: dict[str, str] | None = None, **more: Any) -> None:
        messages = {"invalid": "That is not a date. Write it like 2026-03-02."} | (
            {"required": missing} if missing else {}
        )
        super().__init__(
            required=bool(missing),
            input_formats=["%Y-%m-%d"],
            widget=forms.DateInput(attrs={"type": "date", **(attrs or {})}, format="%Y-%m-%d"),
            **{"error_messages": messages, **more},
        )

    def to_python(self, value: Any) -> date | None:
        """The date typed; refused beyond the years."""
        day = super().to_python(value)
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(f"Choose a day of the years {FIRST_DAY.year} to {LAST_DAY.year}.")
        return day
