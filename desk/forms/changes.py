"""What a person fills in to change a course: one form for each kind of change, made into the engine's value."""

from collections.abc import Sequence
from typing import Any, ClassVar

from crispy_forms.layout import Div, Field, LayoutObject
from django import forms

from common.night import Slot
from desk.forms.course import CourseForm, reason_field
from desk.forms.days import DayField
from desk.forms.dose import DoseField, check_high, dose_layout
from desk.forms.layout import RADIO, RADIOS, without_tags
from titration.engine import course
from titration.engine.course import Change, PauseCause
from titration.engine.protocol import Protocol

Templates = Sequence[tuple[str, Protocol]]
CAUSES = {
    PauseCause.PROCEDURE: "An operation or procedure",
    PauseCause.OPIOID_COURSE: "A course of opioids",
    PauseCause.PREGNANCY: "A pregnancy, or one that is hoped for",
    PauseCause.OTHER: "Something else",
}
SLOTS = {
    Slot.BEDTIME: "At bedtime",
    Slot.MORNING: "In the morning",
    Slot.SPLIT: "Half in the morning, half at bedtime",
}


def _days(label: str, *, required: bool = True, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=required,
        help_text=help_text,
        min_value=1,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": "Say for how many days.",
            "invalid": "Write a whole number of days.",
            "min_value": "Write one day or more.",
        },
    )


def _choice(label: str, choices: dict[Any, str], **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=list(choices.items()),
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Choose one of these.", "invalid_choice": "Choose one of these."},
        **more,
    )


class ChangeForm(CourseForm):
    """Cleans to the date a change bears on, why, and by `change` to the engine's value.

    `shown` is the mark of what was last shown of its effect: nothing else is signed.
    """

    PARTS: ClassVar[tuple[str | LayoutObject, ...]] = ()
    KIND: ClassVar[type] = course.Resume

    on = DayField(label="From", missing="Choose a date.")
    correction = forms.BooleanField(
        label="This was so already: correct the record of the past",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    reason = reason_field("Why")

    def __init__(self, *args: Any, templates: Templates = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.templates = dict(templates)
        asked = [name for name in ("on", "correction", "reason", "seen_version") if name in self.fields]
        self.helper = without_tags(*self.PARTS, *asked)

    def only_shown(self) -> None:
        """What it does is shown before anybody has said why."""
        if "reason" in self.fields:
            self.fields["reason"].required = False

    def change(self) -> Change:
        """The change as it was filled in. Call it on a sound form."""
        made: Change = self.KIND(self.cleaned_data["on"], **self.told())
        return made

    def told(self) -> dict[str, Any]:
        """What the change carries beside its date."""
        return {}


class ResumeForm(ChangeForm):
    KIND = course.Resume


class StepBackForm(ChangeForm):
    KIND = course.StepBack


class StayHereForm(ChangeForm):
    KIND = course.StayHere


class RepeatForm(ChangeForm):
    KIND = course.RepeatRung


class GoToForm(ChangeForm):
    KIND = course.GoTo
    PARTS = (dose_layout("dose"), "days", "confirmed")

    dose = DoseField(label="Dose")
    days = _days("The next step falls due after so many days", required=False, help_text="Empty: as the template says.")
    confirmed = forms.BooleanField(
        label="A second time: this dose is meant",
        required=False,
        help_text="Needed for a rise of more than 1.5 mg at once and for a dose above 6 mg.",
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        check_high(self, dose="dose", reason="reason", confirmed="confirmed")
        return cleaned

    def told(self) -> dict[str, Any]:
        values = self.cleaned_data
        return {"dose": values["dose"].dose, "days": values["days"], "confirmed": values["confirmed"]}


class LengthsForm(ChangeForm):
    KIND = course.ChangeLengths
    PARTS = ("days",)

    days = _days("Coming steps last so many days")

    def told(self) -> dict[str, Any]:
        return {"days": self.cleaned_data["days"]}


class TimeForm(ChangeForm):
    KIND = course.ChangeTime
    PARTS = (Field("time_of_day", template=RADIOS),)

    time_of_day = _choice("Taken", SLOTS)

    def told(self) -> dict[str, Any]:
        return {"time_of_day": Slot(self.cleaned_data["time_of_day"])}


class PauseForm(ChangeForm):
    KIND = course.Pause
    PARTS = (Field("cause", template=RADIOS), "days")

    cause = _choice("Because of", CAUSES)
    days = _days("No dose for so many days", required=False, help_text="Empty: until somebody resumes or restarts it.")

    def told(self) -> dict[str, Any]:
        return {"days": self.cleaned_data["days"], "cause": PauseCause(self.cleaned_data["cause"])}


class RestartForm(ChangeForm):
    KIND = course.Restart
    PARTS = (dose_layout("dose"), "off_since")

    dose = DoseField(
        label="Begin again at",
        required=False,
        help_text="Nothing chosen: what the gap asks for. It is never above the dose before.",
    )
    off_since = DayField(
        label="No dose was taken since",
        help_text="Empty where the plan is paused: its pause says since when.",
    )

    def told(self) -> dict[str, Any]:
        dose = self.cleaned_data["dose"]
        return {"dose": dose.dose if dose else None, "off_since": self.cleaned_data["off_since"]}


class OnOffForm(ChangeForm):
    KIND = course.OnOff
    PARTS = (Div("days_on", "days_off", css_class="form-row"),)

    days_on = _days("Days on", required=False)
    days_off = _days("Days off", required=False, help_text="Both empty: every day again.")

    def told(self) -> dict[str, Any]:
        return {"days_on": self.cleaned_data["days_on"], "days_off": self.cleaned_data["days_off"]}


class TrialReductionForm(ChangeForm):
    KIND = course.TrialReduction
    PARTS = (dose_layout("dose"), "days")

    dose = DoseField(label="Lower dose to try")
    days = _days("For so many days, then a review is due")

    def told(self) -> dict[str, Any]:
        return {"dose": self.cleaned_data["dose"].dose, "days": self.cleaned_data["days"]}


class TemplateForm(ChangeForm):
    KIND = course.ChangeProtocol
    PARTS = (Field("template", template=RADIOS), "confirmed")

    template = forms.ChoiceField(
        label="Go on by",
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={
            "required": "Choose a template.",
            "invalid_choice": "This template is no longer offered. Choose again.",
        },
    )
    confirmed = forms.BooleanField(
        label="A second time: a large rise is meant",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template"].choices = [(key, protocol.label) for key, protocol in self.templates.items()]

    def told(self) -> dict[str, Any]:
        values = self.cleaned_data
        return {"protocol": self.templates[values["template"]], "confirmed": values["confirmed"]}


class TakeBackForm(ChangeForm):
    """Takes back the change whose place the address names."""

    on = None
    correction = forms.BooleanField(
        label="It has been in force already: correct the record of the past",
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    place = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper.layout.fields.append("place")

    def change(self) -> Change:
        return course.Supersede(self.cleaned_data["place"])


class EarlyStepForm(ChangeForm):
    """A step before its time: from the next dose on, so no date is asked for."""

    on = None
    correction = None


class BeginForm(ChangeForm):
    KIND = course.Begin

    on = DayField(
        label="First dose taken on",
        missing="Choose a date.",
        help_text="At most a week ago, or a day ahead on which it is certain.",
    )
    correction = None
    reason = None
