"""What is looked for in the memory."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crispy_forms.layout import Div, Field, Submit
from django import forms

from accounts.actors import Kind
from audit import words
from desk.forms.days import DayField
from desk.forms.layout import without_tags

PEOPLE = (("", "Anybody"), (Kind.PATIENT, "Patients"), (Kind.CARER, "Patients' helpers"), (Kind.SYSTEM, "The system"))
LONGEST = 200


class MemoryForm(forms.Form):
    """By person, patient, kind of action and days by the clinic's calendar; everything may be left open."""

    use_required_attribute = False

    who = forms.ChoiceField(label="Who", required=False)
    patient = forms.CharField(
        label="Patient",
        required=False,
        max_length=LONGEST,
        help_text="Part of a name or record number.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    what = forms.ChoiceField(label="What", required=False)
    since = DayField(label="From")
    until = DayField(label="To")
    denied = forms.BooleanField(label="Only what was denied", required=False)

    def __init__(self, *args: Any, people: Sequence[tuple[uuid.UUID, str]], zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        named = [(str(user_id), name) for user_id, name in people]
        self.fields["who"].choices = [*PEOPLE, *named]  # type: ignore[attr-defined]
        kinds = [(group.code, group.title) for group in words.groups()]
        self.fields["what"].choices = [("", "Anything"), *kinds]  # type: ignore[attr-defined]
        row = [Div(Field(name), css_class="col-sm-6 col-lg") for name in ("who", "patient", "what", "since", "until")]
        self.helper = without_tags(Div(*row, css_class="row"), "denied", Submit("search", "Search"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", "This day is before the first. Turn them round.")
        return cleaned

    def actor_id(self) -> uuid.UUID | None:
        who = self.cleaned_data["who"]
        return uuid.UUID(who) if who and who not in {code for code, _ in PEOPLE} else None

    def actor_kind(self) -> str:
        who: str = self.cleaned_data["who"]
        return who if who in {code for code, _ in PEOPLE} else ""

    def actions(self) -> tuple[str, ...] | None:
        return next((group.actions for group in words.groups() if group.code == self.cleaned_data["what"]), None)

    def span(self) -> tuple[datetime | None, datetime | None]:
        """The first moment of the first day and the first after the last."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        return self._midnight(since), self._midnight(until + timedelta(days=1) if until else None)

    def _midnight(self, day: date | None) -> datetime | None:
        return datetime.combine(day, time(), tzinfo=self.zone) if day else None
