"""What a prescriber fills in before anything is signed."""

from decimal import Decimal
from typing import Any

from crispy_forms.layout import Div, Field
from django import forms

from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from desk.forms.dose import DoseField, dose_layout
from desk.forms.layout import RADIO, RADIOS, Folded, without_tags
from desk.forms.supply import FORM_WORDS, USUAL_SMALLEST_ML
from desk.presenters.plan import MODE_WORDS
from desk.presenters.suggestions import Choice
from titration.engine.formulation import MEASURED, Filler, Form, Formulation
from titration.engine.refusals import EngineRefusal
from titration.models import Prescription
from titration.papers import FILLERS

OPIOID_ANSWERS = {"no": "No", "yes": "Yes", "unknown": "Not known"}
_TEMPLATE_LIST = "desk/_template_choice.html"


class PrescribeForm(forms.Form):
    """Cleans to `opioid_answer`, `template`, `start_on`, `slot`, `formulation`, `mode`, `nights`, `confirmed`.

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
        label="Strength",
        asked="Choose a strength, or write another one in mg.",
        help_text="Of one capsule. Of other forms below: of one tablet or drop, or mg in one mL.",
        for_a_unit=True,
    )
    made_as = forms.ChoiceField(
        label="Form",
        required=False,
        choices=[(form.value, words) for form, words in FORM_WORDS.items()],
        widget=forms.RadioSelect(attrs=RADIO),
        initial=Form.CAPSULES.value,
    )
    more_strengths = forms.CharField(
        label="Further strengths, mg",
        required=False,
        max_length=60,
        help_text="Of capsules or tablets, with “and”: 3 and 4.5.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    smallest_ml = forms.CharField(
        label="Smallest measured volume, mL",
        required=False,
        max_length=10,
        help_text=f"Of a liquid or a cream; {USUAL_SMALLEST_ML} mL if nothing is written.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    scored = forms.BooleanField(label="Scored: halves of a tablet can be taken", required=False)
    filler = forms.ChoiceField(
        label="Filler",
        required=False,
        choices=[(filler.value, words) for filler, words in FILLERS.items()],
        initial=Filler.ANY.value,
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
            Folded(
                "Another form, further strengths or a filler",
                Field("made_as", template=RADIOS),
                Div("more_strengths", "smallest_ml", "filler", css_class="form-row"),
                "scored",
                stands_open=self.is_bound and self._says_more(),
            ),
            Field("mode", template=RADIOS),
        )

    def _says_more(self) -> bool:
        usual = {"made_as": ("", Form.CAPSULES), "more_strengths": ("",), "smallest_ml": ("",), "filler": ("", "any")}
        typed = any(str(self.data.get(name, "")).strip() not in values for name, values in usual.items())
        return typed or "scored" in self.data

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        read = cleaned.get("strength")
        if read is not None and not self.errors.keys() & {"more_strengths", "smallest_ml", "made_as", "filler"}:
            cleaned["typed"] = read.typed
            cleaned["formulation"] = self._formulation(read.dose, cleaned)
        return cleaned

    def _formulation(self, strength: Dose, cleaned: dict[str, Any]) -> Formulation | None:
        """What the doses are made of, or nothing and the sentence beside the field it is about."""
        form = Form(cleaned["made_as"] or Form.CAPSULES)
        smallest = (cleaned["smallest_ml"] or (USUAL_SMALLEST_ML if form in MEASURED else "")).strip().replace(",", ".")
        try:
            return Formulation(
                form=form,
                strengths=(strength, *cleaned["more_strengths"]),
                scored=cleaned["scored"],
                smallest_ml=Decimal(smallest) if smallest else None,
                filler=Filler(cleaned["filler"] or Filler.ANY),
            )
        except ArithmeticError:
            self.add_error("smallest_ml", "Write mL as a number, like 0.1.")
        except EngineRefusal as refusal:
            about = "smallest_ml" if "volume" in refusal.sentence else "scored" if cleaned["scored"] else "made_as"
            self.add_error("more_strengths" if cleaned["more_strengths"] else about, refusal.sentence)
        return None

    def clean_more_strengths(self) -> tuple[Dose, ...]:
        written = self.cleaned_data["more_strengths"].strip()
        try:
            return tuple(Dose.parse(one.strip()) for one in written.split(" and ")) if written else ()
        except Refused as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal
