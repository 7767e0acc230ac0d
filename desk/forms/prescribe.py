"""What a prescriber fills in before anything is signed."""

from typing import Any

from crispy_forms.layout import Div, Field
from django import forms

from common.night import Slot
from desk.forms.dose import DoseField, dose_layout
from desk.forms.layout import RADIO, RADIOS, without_tags
from desk.presenters.plan import MODE_WORDS
from desk.presenters.suggestions import Choice
from titration.models import Prescription

OPIOID_ANSWERS = {"no": "No", "yes": "Yes", "unknown": "Not known"}
_TEMPLATE_LIST = "desk/_template_choice.html"


class PrescribeForm(forms.Form):
    """Cleans to `opioid_answer`, `template`, `start_on`, `slot`, `capsule_strength` (a `Dose`), `mode`, `nights`,
    `confirmed`.

    `typed` is the strength as it was written, where it was not picked. `confirmed` stands beside the schedule, not in
    the form: only a dose above 6 mg asks for it.
    """

    use_required_attribute = False

    opioid_answer = forms.ChoiceField(
        label="Any opioid in the last 14 days, or planned?",
        choices=list(OPIOID_ANSWERS.items()),
        widget=forms.RadioSelect(attrs=RADIO),
        help_text="Painkillers, cough and diarrhoea medicines, patches, and an operation ahead all count.",
        error_messages={"required": "Answer this question first: nothing is signed without it."},
    )
    template = forms.ChoiceField(
        label="Template",
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={
            "required": "Choose a template.",
            "invalid_choice": "This template is no longer offered. Choose again.",
        },
    )
    start_on = forms.DateField(
        label="First dose on",
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Choose the date of the first dose.",
            "invalid": "That is not a date. Write it like 2026-03-02.",
        },
    )
    slot = forms.ChoiceField(
        label="Taken",
        choices=[
            (Slot.BEDTIME.value, "At bedtime"),
            (Slot.MORNING.value, "In the morning"),
            (Slot.SPLIT.value, "Half in the morning, half at bedtime"),
        ],
        widget=forms.RadioSelect(attrs=RADIO),
        initial=Slot.BEDTIME.value,
        error_messages={"required": "Say when the dose is taken."},
    )
    strength = DoseField(
        label="Capsule strength", asked="Choose a capsule strength, or write another one in mg.", for_a_unit=True
    )
    mode = forms.ChoiceField(
        label="Steps",
        choices=list(MODE_WORDS.items()),
        widget=forms.RadioSelect(attrs=RADIO),
        initial=Prescription.Mode.CONFIRMED.value,
        error_messages={"required": "Say how steps happen."},
    )
    nights = forms.IntegerField(
        label="Dispense for so many nights",
        min_value=1,
        max_value=366,
        initial=84,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": "Say for how many nights to dispense.",
            "invalid": "Write a whole number of nights.",
            "min_value": "Dispense for at least one night.",
            "max_value": "Dispense for a year (366 nights) at most.",
        },
    )

    confirmed = forms.BooleanField(label="I confirm once more", required=False)

    def __init__(self, *args: Any, choice: Choice, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choice = choice
        self.fields["template"].choices = [(template.id, template) for template in choice.templates]
        self.helper = without_tags(
            Div(Field("opioid_answer", template=RADIOS), css_class="must-answer mb-4"),
            Field("template", template=_TEMPLATE_LIST),
            Div(
                "start_on",
                Field("slot", template=RADIOS),
                "nights",
                css_class="form-row",
            ),
            dose_layout("strength"),
            Field("mode", template=RADIOS),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        read = cleaned.get("strength")
        if read is not None:
            cleaned["capsule_strength"], cleaned["typed"] = read.dose, read.typed
        return cleaned
