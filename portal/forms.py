"""What a patient types, cleaned into plain values. Nothing here saves; what cannot be cleaned keeps what was typed."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator

from common import night as nights
from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from patients.services.consenting import LONGEST_NAME
from portal import words
from symptoms import items, other_medicines
from symptoms.condition_items import ConditionItem, Kind
from symptoms.models import DoseTaken, SymptomLog
from symptoms.selectors import ToldNight
from symptoms.services import DoseAnswer, NightAnswer

LONGEST_NOTE = 4000
# Said with every refused amount: the person may have read the number right.
IF_IT_WAS_TAKEN = (
    "If you really took more than 10 mg, call your clinic or your emergency number now, "
    "and write how much in the note at the end."
)
IF_LEFT_OUT_FOR_A_PAINKILLER = (
    "You left your dose out because of a strong painkiller. Choose “Yes” if you took it, or “I am not sure” "
    "if you may need it: your clinic then knows at once."
)
LONGEST_MEDICINE = 500
FEWEST_USUAL_HOURS, MOST_USUAL_HOURS = Decimal(1), Decimal(14)
"""Fewer or more hours of sleep are possible and so unlikely that a second look is asked (clinical facts 3.3)."""

SIDE_EFFECTS_ALWAYS_SHOWN = 6
EARLIEST_YEAR = 1900
_NIGHT_COLUMNS = (
    *("sleep_hours", "latency_min", "awake_min", "awakenings", "quality", "dream_vividness", "dream_distress"),
    *("pain", "fatigue", "lead_symptom", "other_medicines_answer", "other_medicines", "note"),
)
_NOON = time(12)
_ONE_DAY = timedelta(days=1)
_SIDE, _ASKED = "side_", "asked_"
_HOURS = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{1,6})?")
_HOURS_AND_MINUTES = re.compile(r"([0-9]{1,2})(?::|h)([0-5][0-9])")


class InvitationForm(forms.Form):
    """The second proof that opens an invitation: a date of birth, or the code from the clinic's desk."""

    birth_day = forms.CharField(label="Day", required=False)
    birth_month = forms.CharField(label="Month", required=False)
    birth_year = forms.CharField(label="Year", required=False)
    desk_code = forms.CharField(
        label="Code from your clinic’s desk", required=False, help_text="Six digits, if your clinic gave you some."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, completes in (("birth_day", "bday-day"), ("birth_month", "bday-month"), ("birth_year", "bday-year")):
            self.fields[name].widget.attrs.update(inputmode="numeric", autocomplete=completes)
        # A code is not given back with the page, as a password is not: the page may be left lying open.
        shown = forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}, render_value=False)
        shown.input_type = "text"
        self.fields["desk_code"].widget = shown

    @property
    def birth_parts(self) -> list[forms.BoundField]:
        return [self["birth_day"], self["birth_month"], self["birth_year"]]

    def clean_desk_code(self) -> str:
        return "".join(str(self.cleaned_data["desk_code"]).split())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        parts = [str(cleaned.get(name, "")) for name in ("birth_year", "birth_month", "birth_day")]
        cleaned["birth_date"] = _date(*parts)
        if any(parts) and cleaned["birth_date"] is None:
            self.add_error("birth_day", "That is not a date of birth. Write it like 27, 3 and 1980.")
        if not any(parts) and not cleaned.get("desk_code"):
            self.add_error("birth_day", "Write your date of birth, or the code from your clinic’s desk.")
        return cleaned


class SignForm(forms.Form):
    """A name typed under a text that was read, and the tick that says so."""

    use_required_attribute = False

    agreed = forms.BooleanField(
        label="I have read this, my questions have been answered, and I agree.",
        error_messages={"required": "Tick that you agree, or leave the page without signing."},
    )
    typed_name = forms.CharField(
        label="My name",
        help_text="Typing your name here is your signature.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Type your name to sign."},
        validators=[MaxLengthValidator(LONGEST_NAME, "A name has at most %(limit_value)s characters here.")],
    )


class CodeForm(forms.Form):
    """Six digits that were mailed or told."""

    code = forms.CharField(
        label="Six-digit code",
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, label: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = label or self.fields["code"].label

    def clean_code(self) -> str:
        code = "".join(str(self.cleaned_data["code"]).split())
        if not re.fullmatch(r"[0-9]{6}", code):
            raise ValidationError("The code has six digits.")
        return code


def _pin_field(label: str) -> forms.CharField:
    """Digits that nobody beside the phone should read."""
    return forms.CharField(
        label=label,
        required=False,
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}, render_value=False),
    )


class PinForm(forms.Form):
    """The PIN, as it was chosen."""

    pin = _pin_field("Your PIN")

    def clean_pin(self) -> str:
        pin = "".join(str(self.cleaned_data["pin"]).split())
        if not re.fullmatch(r"[0-9]{4,8}", pin):
            raise ValidationError("A PIN has four to eight digits.")
        return pin


class NewPinForm(PinForm):
    """A PIN and the same again."""

    again = _pin_field("The same again")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pin"].label = "New PIN"
        self.fields["pin"].help_text = "Four to eight digits."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "pin" in cleaned and "".join(str(cleaned.get("again", "")).split()) != cleaned["pin"]:
            self.add_error("again", "The two are not the same. Type the new PIN once more.")
        return cleaned


class HoursField(forms.CharField):
    """Hours as people write them, "6.5", "6,5" or "6:30", as a Decimal to a hundredth; blank is None."""

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Decimal):
            return value
        text = str(value).strip().casefold()
        if not text:
            return None
        if clock := _HOURS_AND_MINUTES.fullmatch(text):
            hours = Decimal(clock[1]) + Decimal(clock[2]) / 60
        elif _HOURS.fullmatch(text):
            hours = Decimal(text.replace(",", "."))
        else:
            raise ValidationError("Write the hours as a number, like 6.5 or 6:30.")
        if hours > 24:
            raise ValidationError("A night holds at most 24 hours of sleep.")
        return hours.quantize(Decimal("0.01"))

    def prepare_value(self, value: Any) -> Any:
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _minutes(label: str, **more: Any) -> forms.IntegerField:
    return _count(label, most=1440, too_many="A day has 1,440 minutes.", **more)


def _count(label: str, *, most: int, too_many: str, least: int = 0, **more: Any) -> forms.IntegerField:
    said = {
        "invalid": "Write a whole number, like 20.",
        "min_value": f"This cannot be less than {least}.",
        "max_value": too_many,
    }
    box = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    field = forms.IntegerField(
        label=label, required=False, min_value=least, max_value=most, error_messages=said, **more
    )
    # A number box throws away what it cannot read; a text box gives it back with the sentence.
    field.widget = box
    return field


def _scale(label: str, choices: list[tuple[int, str]], help_text: str = "") -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        help_text=help_text,
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "No answer"), *choices],
        widget=forms.RadioSelect,
    )


def _of_condition(item: ConditionItem) -> forms.Field:
    """The field of one of a condition's own questions; every one may be left blank."""
    if item.kind is not Kind.COUNT:
        return _scale(item.asks, list(item.answers), item.hint)
    too_many = f"Up to {item.most} can be written here."
    return _count(item.asks, most=item.most, too_many=too_many, help_text=item.hint, least=item.least)


def _nought_to_ten(label: str, help_text: str = "0 is none, 10 the worst you can imagine.") -> forms.TypedChoiceField:
    return _scale(label, [(value, str(value)) for value in range(11)], help_text)


class NightForm(forms.Form):
    """One night's telling. `planned` is the dose the plan had for it (None: no dose), `asked` what the patient's own
    conditions are asked beside what everybody is, `at` this moment.

    A clock time belongs to the night: before noon it is the morning after, for a dose taken at bedtime.
    """

    taken = forms.ChoiceField(
        label="Did you take your dose?", choices=DoseTaken.Taken.choices, widget=forms.RadioSelect, required=False
    )
    skipped_because = forms.ChoiceField(label="If you skipped it, why?", required=False)
    other_mg = forms.CharField(label="Another amount?", required=False)
    taken_at = forms.TimeField(
        label="At what time?",
        required=False,
        input_formats=["%H:%M", "%H.%M", "%H%M", "%H:%M:%S"],
        error_messages={"invalid": "Write the time like 22:15."},
    )
    sleep_hours = HoursField(
        label="Hours slept", required=False, help_text="Your best guess, like 6.5. If you did not sleep at all, 0."
    )
    sleep_sure = forms.BooleanField(label="Yes, these hours are right", required=False)
    latency_min = _minutes("Minutes to fall asleep")
    awake_min = _minutes("Minutes awake after that")
    awakenings = _count("How often did you wake?", most=100, too_many="Up to 100 can be written here.")
    quality = _scale("How well did you sleep?", list(items.quality().items()))
    dream_vividness = _scale("Dreams", list(items.dream_vividness().items()))
    dream_distress = _nought_to_ten("How much did dreams upset you?", "0 is not at all, 10 the most you can imagine.")
    pain = _nought_to_ten("Pain")
    fatigue = _nought_to_ten("Tiredness (fatigue)")
    lead_symptom = _nought_to_ten("")
    other_medicines_answer = forms.ChoiceField(
        label="Any new painkiller, cough or diarrhoea medicine?",
        help_text="Strong painkillers, and some cough and diarrhoea medicines, must not be taken with your medicine.",
        choices=SymptomLog.OtherMedicines.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    other_medicines = forms.CharField(
        label="Which one?", required=False, help_text="The name on the box, if you can find it."
    )
    note = forms.CharField(label="Anything else?", required=False, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(
        self,
        *args: Any,
        night: date,
        slot: Slot,
        planned: Dose | None,
        lead_label: str,
        asked: Sequence[ConditionItem],
        zone: ZoneInfo,
        at: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.night, self.slot, self.planned, self.zone, self.at = night, slot, planned, zone, at
        self.asks_sure, self.asked = False, asked
        self.fields["lead_symptom"].label = lead_label
        self.fields["skipped_because"].choices = [("", "Choose"), *items.skip_reasons().items()]  # type: ignore[attr-defined]
        self.fields["taken_at"].widget = forms.TimeInput(format="%H:%M", attrs={"type": "time", "step": "60"})
        self.fields["other_mg"].widget.attrs.update(inputmode="decimal", autocomplete="off")
        self.fields["sleep_hours"].widget.attrs.update(inputmode="decimal", autocomplete="off")
        for code, label in items.signs().items():
            severities = [("", "No"), *((severity, severity.capitalize()) for severity in items.severities())]
            self.fields[_SIDE + code] = forms.ChoiceField(
                label=label, required=False, choices=severities, widget=forms.RadioSelect
            )
        for item in asked:
            self.fields[_ASKED + item.code] = _of_condition(item)

    @property
    def of_conditions(self) -> list[tuple[ConditionItem, forms.BoundField]]:
        """What the patient's own conditions are asked, with its field."""
        return [(item, self[_ASKED + item.code]) for item in self.asked]

    @property
    def usual_side_effects(self) -> list[forms.BoundField]:
        """The most expected ones, always shown."""
        return self._side_effects()[:SIDE_EFFECTS_ALWAYS_SHOWN]

    @property
    def further_side_effects(self) -> list[forms.BoundField]:
        return self._side_effects()[SIDE_EFFECTS_ALWAYS_SHOWN:]

    @property
    def has_further_side_effects(self) -> bool:
        """Whether one of the less expected ones is answered: it must then be seen."""
        return any(field.value() for field in self.further_side_effects)

    @property
    def warning_signs(self) -> list[tuple[words.Flag, list[forms.BoundField]]]:
        """What is asked apart, for each of them matters to the clinic: by what it warns of, gravest first."""
        return [(flag, [self[_SIDE + code] for code in flag.asked]) for flag in words.flag_words().flags if flag.asked]

    @property
    def has_warning_signs(self) -> bool:
        return any(field.value() for _, fields in self.warning_signs for field in fields)

    def _side_effects(self) -> list[forms.BoundField]:
        return [self[_SIDE + code] for code in items.side_effects()]

    def clean_note(self) -> str:
        return _no_longer_than(self.cleaned_data["note"], LONGEST_NOTE)

    def clean_other_medicines(self) -> str:
        return _no_longer_than(self.cleaned_data["other_medicines"], LONGEST_MEDICINE)

    def clean_other_mg(self) -> Dose | None:
        typed = self.cleaned_data["other_mg"]
        if not typed:
            return None
        try:
            return Dose.parse(typed)
        except Refused as refusal:
            raise ValidationError(f"{refusal.sentence} {IF_IT_WAS_TAKEN}") from refusal

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._clean_dose(cleaned)
        self._clean_sleep(cleaned)
        self._clean_medicine(cleaned)
        if not self.errors and not any(_answered(value) for value in cleaned.values()):
            # An empty night would count as one, and silence the reminder to tell it.
            self.add_error(None, "Nothing is answered yet. Answer what you can, then save.")
        return cleaned

    def _clean_medicine(self, cleaned: dict[str, Any]) -> None:
        answer = cleaned.get("other_medicines_answer", "")
        why = cleaned.get("skipped_because", "") if cleaned.get("taken") == DoseTaken.Taken.SKIPPED else ""
        if other_medicines.left_unsaid(why, answer):
            self.add_error("other_medicines_answer", IF_LEFT_OUT_FOR_A_PAINKILLER)
        elif cleaned.get("other_medicines") and answer in ("", "no"):
            self.add_error("other_medicines_answer", "You wrote a medicine. Is the answer yes, or are you not sure?")

    def _clean_dose(self, cleaned: dict[str, Any]) -> None:
        taken = cleaned.get("taken")
        if not taken and nights.night_of(self.at, self.zone) < self.night:
            self.add_error("taken", "Say what became of this morning’s dose.")
        if taken == DoseTaken.Taken.TAKEN:
            self._clean_taken(cleaned)
            return
        for name in ("other_mg", "taken_at"):
            if cleaned.get(name) and name in self.changed_data:
                self.add_error(name, "Choose “Taken” above if you took your dose, or clear this.")
        if taken == DoseTaken.Taken.SKIPPED and not cleaned.get("skipped_because"):
            self.add_error("skipped_because", "Choose what comes closest, so that your clinic can help.")

    def _clean_taken(self, cleaned: dict[str, Any]) -> None:
        if self.planned is None and not cleaned.get("other_mg") and "other_mg" not in self.errors:
            self.add_error("other_mg", "Your plan has no dose for this night. Write how many mg you took.")
        clock = cleaned.get("taken_at")
        cleaned["taken_moment"] = self._moment(clock) if clock else None
        if cleaned["taken_moment"] and cleaned["taken_moment"] > self.at:
            self.add_error("taken_at", "That time has not come yet. Leave it empty if you are not sure.")

    def _moment(self, clock: time) -> datetime:
        after_midnight = self.slot is Slot.BEDTIME and clock < _NOON
        return nights.local_instant(self.night + _ONE_DAY if after_midnight else self.night, clock, self.zone)

    def _clean_sleep(self, cleaned: dict[str, Any]) -> None:
        hours: Decimal | None = cleaned.get("sleep_hours")
        if hours is not None and not FEWEST_USUAL_HOURS <= hours <= MOST_USUAL_HOURS:
            self.asks_sure = True
            if not cleaned.get("sleep_sure") and "sleep_hours" in self.changed_data:
                said = HoursField().prepare_value(hours)
                self.add_error("sleep_hours", f"{said} hours is unusual. If it is right, tick the box below and save.")
        minutes = [cleaned.get("latency_min") or 0, cleaned.get("awake_min") or 0]
        begin, end = nights.bounds(self.night, self.zone)
        if any(minutes) and (hours or 0) * 60 + sum(minutes) > (end - begin) / timedelta(minutes=1):
            where = "awake_min" if minutes[1] else "latency_min"
            self.add_error(where, "Together with the hours slept this is longer than the night was.")

    def dose(self) -> DoseAnswer | None:
        """What became of the dose; None where that was not answered."""
        taken = self.cleaned_data["taken"]
        if taken == DoseTaken.Taken.TAKEN:
            return DoseAnswer(
                taken=taken,
                slot=self.slot,
                taken_mg=self.cleaned_data["other_mg"] or self.planned,
                taken_at=self.cleaned_data["taken_moment"],
            )
        if not taken:
            return None
        why = self.cleaned_data["skipped_because"] if taken == DoseTaken.Taken.SKIPPED else ""
        return DoseAnswer(taken=taken, slot=self.slot, skipped_because=why)

    def answers(self) -> NightAnswer:
        """The night's answers in the columns' own names."""
        side_effects = {
            code: self.cleaned_data[_SIDE + code] for code in items.signs() if self.cleaned_data[_SIDE + code]
        }
        of_conditions = {item.code: self.cleaned_data[_ASKED + item.code] for item in self.asked}
        return NightAnswer(
            side_effects=side_effects,
            condition_answers={code: value for code, value in of_conditions.items() if value is not None},
            **{name: self.cleaned_data[name] for name in _NIGHT_COLUMNS},
        )


def initial_of(told: ToldNight, planned: Dose | None, zone: ZoneInfo) -> dict[str, Any]:
    """What the form shows of a night already told; an amount only where it is not the plan's."""
    initial: dict[str, Any] = {}
    if told.dose is not None:
        other = told.dose.taken_mg if told.dose.taken_mg != planned else None
        initial |= {
            "taken": told.dose.taken,
            "skipped_because": told.dose.skipped_because,
            "other_mg": other.text if other else "",
            "taken_at": told.dose.taken_at.astimezone(zone).time() if told.dose.taken_at else None,
        }
    if told.log is not None:
        initial |= {name: getattr(told.log, name) for name in _NIGHT_COLUMNS}
        initial |= {_SIDE + code: severity for code, severity in told.log.side_effects.items()}
        initial |= {_ASKED + code: value for code, value in told.log.condition_answers.items()}
    return initial


def _answered(value: object) -> bool:
    """Nought is an answer; nothing, no words and no tick are none."""
    return value is not None and value is not False and value != ""


def _date(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        return None
    return found if found.year >= EARLIEST_YEAR else None


def _no_longer_than(typed: str, most: int) -> str:
    """The text with plain line ends, if it fits. No `maxlength` in the page: a browser would cut what is pasted."""
    text = typed.replace("\r\n", "\n")
    if len(text) > most:
        raise ValidationError(f"This is {len(text):,} characters long and {most:,} fit. Shorten it and save again.")
    return text
