"""The clinic's hours and numbers, who covers whom, who is told of something urgent."""

import itertools
import re
import uuid
from collections.abc import Iterable
from datetime import date, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.hours import Contact, Hours, Opening
from accounts.services.hours import LONGEST_MINUTES, SHORTEST_MINUTES, telephone
from desk.forms.days import DayField
from desk.forms.layout import Folded, without_tags

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PLACES, AT_FIRST = 4, 2
"""How many can stand in the route, and how many lines are shown before more are asked for."""
MINUTES = 20
"""How long somebody has to open something urgent before the next one is told, until the clinic says otherwise: E3."""
_STRETCH = re.compile(r"(\d{1,2})[:.](\d{2})\s*(?:-|–|to)\s*(\d{1,2})[:.](\d{2})")
_ONE_DAY = timedelta(days=1)


class HoursForm(forms.Form):
    """A line for each weekday, the dates on which the clinic is closed, and whom patients call."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, weekday in enumerate(WEEKDAYS):
            self.fields[f"day_{number}"] = forms.CharField(
                label=weekday, required=False, max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
            )
        self.fields["closed"] = forms.CharField(
            label="Closed on",
            required=False,
            max_length=2000,
            help_text="Dates such as 2026-12-25, one a line.",
            widget=forms.Textarea(attrs={"rows": 3}),
        )
        self.fields["phone"] = forms.CharField(
            label="Telephone",
            max_length=40,
            help_text="On every page of your patients and on their emergency cards.",
            error_messages={"required": "The telephone is missing: patients are told to call it."},
        )
        self.fields["urgent_phone"] = forms.CharField(
            label="Telephone when you are closed",
            required=False,
            max_length=40,
            help_text="Leave it empty where it is the same.",
        )
        self.helper = without_tags(*self.fields)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        openings: list[Opening] = []
        for number in range(len(WEEKDAYS)):
            try:
                openings += _stretches(number, cleaned.get(f"day_{number}", ""))
            except ValidationError as fault:
                self.add_error(f"day_{number}", fault)
        closed = set()
        for words in cleaned.get("closed", "").split():
            try:
                closed.add(date.fromisoformat(words))
            except ValueError:
                self.add_error("closed", f"“{words}” is no date. Write each like 2026-12-25, one a line.")
        return {**cleaned, "hours": Hours(tuple(openings), frozenset(closed))}

    @staticmethod
    def as_it_stands(hours: Hours, *, phone: str, urgent_phone: str) -> dict[str, str]:
        """What the form says before anybody changes it."""
        lines = {
            f"day_{number}": ", ".join(
                f"{one.opens:%H:%M} to {one.closes:%H:%M}" for one in sorted(hours.openings) if one.weekday == number
            )
            for number in range(len(WEEKDAYS))
        }
        closed = "\n".join(on.isoformat() for on in sorted(hours.closed))
        return {**lines, "closed": closed, "phone": phone, "urgent_phone": urgent_phone}


def _stretches(weekday: int, typed: str) -> list[Opening]:
    """As in "9:00 to 12:30, 13:30-17:00"; nothing typed is a closed day."""
    found = []
    for words in filter(None, (part.strip() for part in typed.split(","))):
        match = _STRETCH.fullmatch(words)
        try:
            clocks = [int(part) for part in match.groups()] if match else []
            opens, closes = time(clocks[0], clocks[1]), time(clocks[2], clocks[3])
        except (IndexError, ValueError):
            raise ValidationError(f"“{words}” are no hours. Write them like 9:00 to 17:00.") from None
        if closes <= opens:
            raise ValidationError(f"“{words}”: the clinic closes later than it opens.")
        found.append(Opening(weekday, opens, closes))
    for one, following in itertools.pairwise(sorted(found)):
        if following.opens < one.closes:
            raise ValidationError("Two stretches overlap. Say each hour once.")
    return found


def _names(place: int) -> tuple[str, str, str]:
    return f"who_{place}", f"text_{place}", f"minutes_{place}"


class RouteForm(forms.Form):
    """Who is told of something urgent, in order: a colleague, a telephone if wanted, and how long they have."""

    use_required_attribute = False

    def __init__(self, *args: Any, people: Iterable[tuple[uuid.UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Nobody"), *((str(user_id), name) for user_id, name in people)]
        for place in range(1, PLACES + 1):
            self.fields[f"who_{place}"] = forms.ChoiceField(
                label=f"{place}. Told by mail",
                required=False,
                choices=choices,
                error_messages={"invalid_choice": "Choose somebody who works here and reads patients' records."},
            )
            self.fields[f"text_{place}"] = forms.CharField(
                label="Text message to",
                required=False,
                max_length=24,
                widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
            )
            self.fields[f"minutes_{place}"] = forms.IntegerField(
                label="Minutes until the next one is told",
                required=False,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
                error_messages={"invalid": "Write a whole number of minutes."},
            )
        said = self.data if self.is_bound else self.initial
        more = [name for place in range(AT_FIRST + 1, PLACES + 1) for name in _names(place)]
        self.helper = without_tags(
            *(name for place in range(1, AT_FIRST + 1) for name in _names(place)),
            Folded(
                "A third and a fourth", *more, stands_open=any(said.get(name) for name in more if "minutes" not in name)
            ),
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        route: list[Contact] = []
        for place in range(1, PLACES + 1):
            who, minutes = cleaned.get(f"who_{place}", ""), cleaned.get(f"minutes_{place}")
            text_to = telephone(cleaned.get(f"text_{place}", ""))
            if not who:
                if text_to:
                    self.add_error(f"who_{place}", "Say whose telephone this is.")
                continue
            if who in {str(contact.user_id) for contact in route}:
                self.add_error(f"who_{place}", "This colleague stands above already.")
            if text_to and not re.fullmatch(r"\+[1-9][0-9]{6,14}", text_to):
                self.add_error(f"text_{place}", "Write the telephone with its country, such as +44 20 7946 0000.")
            if minutes is None and f"minutes_{place}" not in self.errors:
                minutes = MINUTES
            if minutes is not None and not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
                self.add_error(f"minutes_{place}", f"Choose from {SHORTEST_MINUTES} to {LONGEST_MINUTES} minutes.")
            route.append(Contact(uuid.UUID(who), minutes or MINUTES, text_to))
        return {**cleaned, "route": route}

    @staticmethod
    def as_it_stands(route: Iterable[Contact]) -> dict[str, Any]:
        """What the form says before anybody changes it."""
        said: dict[str, Any] = {f"minutes_{place}": MINUTES for place in range(1, PLACES + 1)}
        for place, contact in enumerate(route, start=1):
            said |= {
                f"who_{place}": str(contact.user_id),
                f"text_{place}": contact.text_to,
                f"minutes_{place}": contact.minutes,
            }
        return said


class CoverForm(forms.Form):
    """Who is away, who answers for them, and from which day to which."""

    use_required_attribute = False

    def __init__(self, *args: Any, people: Iterable[tuple[uuid.UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Choose"), *((str(user_id), name) for user_id, name in people)]
        for name, label in (("away", "Who is away"), ("covers", "Who covers")):
            self.fields[name] = forms.ChoiceField(
                label=label, choices=choices, error_messages={"required": "Choose a colleague."}
            )
        for name, label in (("first_day", "First day"), ("last_day", "Last day")):
            self.fields[name] = DayField(label=label, missing="The day is missing.")
        self.helper = without_tags(*self.fields)

    def values(self) -> dict[str, Any]:
        """What the deed wants: ids, and a last day that is excluded."""
        cleaned = self.cleaned_data
        return {
            "away": uuid.UUID(cleaned["away"]),
            "covers": uuid.UUID(cleaned["covers"]),
            "from_on": cleaned["first_day"],
            "until_on": cleaned["last_day"] + _ONE_DAY,
        }
