"""What both faces ask: who is let look after a patient, and the questions before a first dose. Each face lays the
fields out in its own way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator

from patients import screening
from patients.limits import LONGEST_ADDRESS, LONGEST_NOTE
from patients.models import CareGrant
from patients.screening import Asker, Item
from patients.services import LONGEST_GRANT

_ONE_DAY = timedelta(days=1)


class CareForm(forms.Form):
    """Who is let look after the patient, how far, and until when. `today` is the patient's."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "The name is missing."})
    email = forms.EmailField(
        label="E-mail address",
        help_text="The invitation goes there. It names nobody and says nothing of health.",
        error_messages={
            "required": "The e-mail address is missing.",
            "invalid": "That is not an e-mail address. It needs a name, an @ and a domain.",
        },
    )
    relation = forms.CharField(
        label="Relation",
        required=False,
        max_length=40,
        help_text="Such as parent or partner.",
    )
    rights = forms.ChoiceField(
        label="They may",
        choices=CareGrant.Rights.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what they may do.", "invalid_choice": "Choose one of the two."},
    )
    last_day = forms.DateField(
        label="Last day",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
        error_messages={"required": "The last day is missing.", "invalid": "Write the day like 2026-03-27."},
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["last_day"].help_text = "At most a year ahead. After that they can be invited again."
        for name, longest in (("name", 120), ("relation", 40), ("email", LONGEST_ADDRESS)):
            field = self.fields[name]
            # A browser that knows the limit cuts off what is pasted without a word.
            field.widget.attrs.pop("maxlength", None)
            field.validators = [v for v in field.validators if not isinstance(v, MaxLengthValidator)]
            sentence = f"{field.label} has %(show_value)s characters, and %(limit_value)s fit. Shorten it."
            field.validators.append(MaxLengthValidator(longest, sentence))
            field.widget.attrs["autocomplete"] = "off"

    def clean_last_day(self) -> date:
        last_day: date = self.cleaned_data["last_day"]
        if not self.today <= last_day < self.today + LONGEST_GRANT:
            raise ValidationError("Choose a day from today on and at most a year ahead.")
        return last_day

    def values(self) -> dict[str, Any]:
        """The keywords of `patients.services.grant_care` that a person fills in."""
        given = {name: self.cleaned_data[name] for name in ("name", "email", "relation", "rights")}
        return {**given, "expires_on": self.cleaned_data["last_day"] + _ONE_DAY}


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What became of a form that is kept as it is filled in: the clock time it was saved at, or why it was `refused`.

    `faults` are the label and sentence of each field that was not kept; `brought` counts the questions that follow.
    """

    at: str = ""
    refused: str = ""
    faults: tuple[tuple[str, str], ...] = ()
    brought: int = 0


class ScreeningForm(forms.Form):
    """These questions in the words of who is asked, none answered unless the form says so. Cleans to texts by code.

    Nothing is required while it is being filled in; `ask_for` marks what is missing when it is handed over.
    """

    use_required_attribute = False

    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(
        self,
        *args: Any,
        items: Sequence[Item],
        asker: Asker,
        with_note: bool = True,
        radio_class: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.items = tuple(items)
        self.use_words(asker, with_note=with_note)
        for item in self.items:
            self.fields[item.code] = _field(item, asker, radio_class)
        if with_note:
            self.fields["note"] = self.fields.pop("note")

    def use_words(self, asker: Asker, *, with_note: bool) -> None:
        note = self.fields["note"]
        note.label = "Anything else your clinic should know" if asker is Asker.PATIENT else "Note"
        sentence = f"The note has %(show_value)s characters, and at most {LONGEST_NOTE} fit. Shorten it."
        note.validators.append(MaxLengthValidator(LONGEST_NOTE, sentence))
        if not with_note:
            del self.fields["note"]

    def answers(self) -> dict[str, str]:
        """What was answered, without what was left open. Call it on a sound form."""
        given = {item.code: self.cleaned_data.get(item.code, "") for item in self.items}
        return {code: answer for code, answer in given.items() if answer}

    def kept(self, before: Mapping[str, str]) -> dict[str, str]:
        """What was answered, sound or not: where an answer is none, what stood there `before`."""
        faulty = {code: before[code] for code in self.errors if code in before}
        return {**self.answers(), **faulty}

    def faults(self) -> tuple[tuple[str, str], ...]:
        """The label and the sentence of each field whose answer is none."""
        return tuple((str(self.fields[name].label), str(said[0])) for name, said in self.errors.items())

    def ask_for(self, items: Sequence[Item]) -> None:
        """Mark these questions as to be answered."""
        for item in items:
            if item.code in self.fields and not self.errors.get(item.code):
                self.add_error(item.code, "Answer this question. “Not sure” is an answer too.")


class NumberAnswer(forms.CharField):
    """A number as people write it, with point or comma, kept as it was written; nothing where it is not known."""

    def __init__(self, item: Item, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(required=False, widget=widget, **kwargs)
        self.item = item

    def clean(self, value: Any) -> str:
        typed = super().clean(value).strip().replace(",", ".")
        if typed and not screening.is_answer(self.item, typed):
            raise ValidationError(f"Write a number between {self.item.least} and {self.item.most}, or leave it empty.")
        return str(typed)


def _field(item: Item, asker: Asker, radio_class: str) -> forms.Field:
    of_patient = asker is Asker.PATIENT
    words = {
        "label": item.ask_patient if of_patient else item.ask,
        "help_text": item.hint_patient if of_patient else item.hint,
    }
    if item.is_number:
        return NumberAnswer(item, **words)
    return forms.ChoiceField(
        required=False,
        choices=list(screening.CHOICES.items()),
        widget=forms.RadioSelect(attrs={"class": radio_class} if radio_class else None),
        error_messages={"invalid_choice": "Choose one of these answers."},
        **words,
    )
