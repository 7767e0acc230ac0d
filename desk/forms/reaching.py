"""Reaching a patient: what was tried, whom to ask, what to send, and a night told by telephone."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from crispy_forms.layout import Field
from django import forms
from django.core.exceptions import ValidationError

from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from desk.forms.days import DayField
from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, without_tags
from desk.forms.register import Words
from symptoms import items, other_medicines
from symptoms.condition_items import ConditionItem, Kind
from symptoms.models import DoseTaken, SymptomLog
from symptoms.services import DoseAnswer, NightAnswer
from titration.models import ContactAttempt

Named = Sequence[tuple[UUID, str]]
MOST_HOURS = 24
_ASKED = "asked_"


def _radios(label: str, choices: Any, **more: Any) -> forms.ChoiceField:
    said = {"required": "Choose one.", "invalid_choice": "Choose one of these."}
    return forms.ChoiceField(
        label=label, choices=choices, widget=forms.RadioSelect(attrs=RADIO), error_messages=said, **more
    )


class ContactForm(forms.Form):
    use_required_attribute = False

    kind = _radios("How did you try?", ContactAttempt.Kind.choices)
    outcome = _radios("What came of it?", ContactAttempt.Outcome.choices)
    words = Words(
        longest=LONGEST_REASON,
        called="What was said",
        label="What was said",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(Field("kind", template=RADIOS), Field("outcome", template=RADIOS), "words")


class ReferForm(forms.Form):
    use_required_attribute = False

    to = forms.ChoiceField(
        label="To whom?", error_messages={"required": "Choose a colleague.", "invalid_choice": "Choose a colleague."}
    )
    words = Words(
        longest=LONGEST_REASON,
        called="What you ask",
        label="What you ask",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, colleagues: Named, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [("", "Choose"), *((str(key), name) for key, name in colleagues)]  # type: ignore[attr-defined]
        self.helper = without_tags("to", "words")


class InstructForm(forms.Form):
    use_required_attribute = False

    text = _radios("Which instruction?", ())

    def __init__(self, *args: Any, texts: Named, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].choices = [(str(key), name) for key, name in texts]  # type: ignore[attr-defined]
        self.helper = without_tags(Field("text", template=RADIOS))


class TextForm(forms.Form):
    use_required_attribute = False

    name = Words(longest=60, called="The name", label="What members call it")
    words = Words(
        longest=LONGEST_REASON,
        called="The words",
        label="The words the patient reads",
        help_text="As a careful colleague would say it. The patient reads it as it stands, on their own page.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("name", "words")


class VisitForm(forms.Form):
    use_required_attribute = False

    on = DayField(label="Seen on", missing="Choose the day.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("on")


def _scale(label: str, *, least: int = 0, most: int = 10, help_text: str = "") -> forms.IntegerField:
    said = f"Write a whole number from {least} to {most}."
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        required=False,
        min_value=least,
        max_value=most,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"invalid": said, "min_value": said, "max_value": said},
    )


def _of_condition(item: ConditionItem) -> forms.Field:
    """The field of one of a condition's own questions: a number, or the answers in words beside their numbers."""
    if item.kind in (Kind.SCALE, Kind.COUNT):
        label = f"{item.asks}, 0 to 10" if item.kind is Kind.SCALE else item.asks
        return _scale(label, least=item.least, most=item.most, help_text=item.hint)
    said = {"invalid_choice": "Choose one of these."}
    return forms.TypedChoiceField(
        label=item.asks,
        help_text=item.hint,
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "Not told"), *item.answers],
        error_messages=said,
    )


class PhoneNightForm(forms.Form):
    """One night as it is told by telephone, in the order it is asked. `asked` is what the patient's own conditions are
    asked.
    """

    use_required_attribute = False

    night = forms.ChoiceField(label="Which night?")
    taken = _radios("Was the dose taken?", DoseTaken.Taken.choices, required=False)
    other_mg = forms.CharField(
        label="Another amount, in mg", required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    skipped_because = forms.ChoiceField(label="If it was skipped, why?", required=False)
    sleep_hours = forms.CharField(
        label="Hours slept", required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    pain = _scale("Pain, 0 to 10")
    fatigue = _scale("Tiredness, 0 to 10")
    lead_symptom = _scale("")
    other_medicines_answer = _radios(
        "Any new painkiller, cough or diarrhoea medicine?", SymptomLog.OtherMedicines.choices, required=False
    )
    other_medicines = Words(longest=300, called="The medicine", label="Which one?", required=False)
    note = Words(
        longest=LONGEST_REASON,
        called="The note",
        label="Anything else",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(
        self,
        *args: Any,
        nights: Sequence[date],
        lead: str,
        asked: Sequence[ConditionItem],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.asked = asked
        self.fields |= {_ASKED + item.code: _of_condition(item) for item in asked}
        self.fields["night"].choices = [(one.isoformat(), f"{one:%A} {one.day} {one:%B}") for one in nights]  # type: ignore[attr-defined]
        self.fields["skipped_because"].choices = [("", "Choose"), *items.skip_reasons().items()]  # type: ignore[attr-defined]
        self.fields["lead_symptom"].label = f"{lead}, 0 to 10"
        self.helper = without_tags(
            "night",
            Field("taken", template=RADIOS),
            *("other_mg", "skipped_because", "sleep_hours", "pain", "fatigue", "lead_symptom"),
            *(_ASKED + item.code for item in asked),
            Field("other_medicines_answer", template=RADIOS),
            *("other_medicines", "note", "seen_version"),
        )

    def clean_other_mg(self) -> Dose | None:
        typed = self.cleaned_data["other_mg"]
        try:
            return Dose.parse(typed) if typed else None
        except Refused as refusal:
            raise ValidationError(refusal.sentence) from refusal

    def clean_sleep_hours(self) -> Decimal | None:
        typed = self.cleaned_data["sleep_hours"].strip().replace(",", ".")
        if not typed:
            return None
        try:
            hours = Decimal(typed).quantize(Decimal("0.01"))
            possible = 0 <= hours <= MOST_HOURS
        except InvalidOperation as error:
            raise ValidationError("Write the hours as a number, like 6.5.") from error
        if not possible:
            raise ValidationError("A night holds at most 24 hours of sleep.")
        return hours

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("other_mg") and cleaned.get("taken") != DoseTaken.Taken.TAKEN:
            self.add_error("other_mg", "Choose “Taken” if the dose was taken, or clear this.")
        if cleaned.get("taken") == DoseTaken.Taken.SKIPPED and not cleaned.get("skipped_because"):
            self.add_error("skipped_because", "Choose what comes closest.")
        if cleaned.get("other_medicines") and cleaned.get("other_medicines_answer") in ("", "no"):
            self.add_error("other_medicines_answer", "A medicine is written. Is the answer yes, or not sure?")
        why = cleaned.get("skipped_because", "") if cleaned.get("taken") == DoseTaken.Taken.SKIPPED else ""
        if other_medicines.left_unsaid(why, cleaned.get("other_medicines_answer", "")):
            said = "The dose was left out for a strong painkiller. Was one taken (yes), or may be (not sure)?"
            self.add_error("other_medicines_answer", said)
        told = ("taken", "sleep_hours", "pain", "fatigue", "lead_symptom", "other_medicines_answer", "note")
        told += tuple(_ASKED + item.code for item in self.asked)
        if not self.errors and all(cleaned.get(name) in (None, "") for name in told):
            self.add_error(None, "Nothing is answered yet. Write what was told, then save.")
        return cleaned

    def chosen(self) -> date:
        return date.fromisoformat(self.cleaned_data["night"])

    def dose(self, planned: Dose | None, slot: Slot) -> DoseAnswer | None:
        """What became of the dose of the slot; an amount nobody gave is the one prescribed for that day."""
        taken = self.cleaned_data["taken"]
        if not taken:
            return None
        if taken == DoseTaken.Taken.TAKEN:
            return DoseAnswer(taken=taken, slot=slot, taken_mg=self.cleaned_data["other_mg"] or planned)
        why = self.cleaned_data["skipped_because"] if taken == DoseTaken.Taken.SKIPPED else ""
        return DoseAnswer(taken=taken, slot=slot, skipped_because=why)

    def answers(self) -> NightAnswer:
        names = ("sleep_hours", "pain", "fatigue", "lead_symptom", "other_medicines_answer", "other_medicines", "note")
        of_conditions = {item.code: self.cleaned_data[_ASKED + item.code] for item in self.asked}
        return NightAnswer(
            condition_answers={code: value for code, value in of_conditions.items() if value is not None},
            **{name: self.cleaned_data[name] for name in names},
        )
