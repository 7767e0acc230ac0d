"""What a prescriber fills in before anything is signed."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from crispy_forms.layout import Div, Field
from django import forms

from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from desk.forms.days import DayField
from desk.forms.dose import DoseField, dose_layout
from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, Folded, without_tags
from desk.forms.register import Words
from desk.forms.supply import FORM_WORDS, USUAL_SMALLEST_ML
from desk.forms.trial import LONGEST_LINE
from desk.presenters.plan import MODE_WORDS
from desk.presenters.suggestions import Choice
from titration.engine.formulation import MEASURED, Filler, Form, Formulation
from titration.engine.refusals import EngineRefusal
from titration.models import Prescription
from titration.papers import FILLERS
from titration.services.trials import Question

OPIOID_ANSWERS = {"no": "No", "yes": "Yes", "unknown": "Not known"}
TRIAL = ("question", "criterion", "decide_on", "reasoning")


class Begins(StrEnum):
    """How a course begins."""

    ON_A_DAY = "on_a_day"
    AWAITING = "awaiting"
    TAKING = "taking"


BEGIN_WORDS = {
    Begins.ON_A_DAY: "On the day above",
    Begins.AWAITING: "With the first dose, when the medicine has come",
    Begins.TAKING: "It is taken already, at this dose since the day above",
}
WHAT_COUNTS = "Painkillers, cough and diarrhoea medicines, patches, and an operation ahead all count."
_TEMPLATE_LIST = "desk/_template_choice.html"


class PrescribeForm(forms.Form):
    """Cleans to `opioid_answer`, `template`, `start_on`, `slot`, `weight_kg` or None, `formulation`, `mode`,
    `nights`, `confirmed`.

    `typed` is the strength as it was written, where it was not picked. `confirmed` stands beside the schedule, not in
    the form: only a dose above 6 mg asks for it; so does `washout_confirmed`, beside a `washout_reason`.
    """

    use_required_attribute = False

    opioid_answer = forms.ChoiceField(
        label="Any opioid in the last 14 days, or planned?",
        choices=list(OPIOID_ANSWERS.items()),
        widget=forms.RadioSelect(attrs=RADIO),
        help_text=WHAT_COUNTS,
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
    start_on = DayField(label="First dose on", missing="Choose the date of the first dose.")
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
    weight_kg = forms.CharField(
        label="Weight, kg",
        required=False,
        max_length=10,
        help_text="Only where the template goes by weight.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
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
    washout_reason = Words(
        longest=LONGEST_REASON,
        called="The reason",
        label="Why the plan begins all the same",
        help_text="Only where the opioid above is not waited for. It is kept with the plan.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    washout_confirmed = forms.BooleanField(label="I confirm once more", required=False)
    begins = forms.ChoiceField(
        label="The plan begins",
        required=False,
        choices=[(begins.value, words) for begins, words in BEGIN_WORDS.items()],
        widget=forms.RadioSelect(attrs=RADIO),
        initial=Begins.ON_A_DAY.value,
        help_text="Until the medicine has come the diary is open, and every step is counted from the first dose.",
    )
    first_dose = DoseField(label="Takes now", required=False, help_text="For somebody who takes it already.")
    taking_since = DayField(
        label="Takes it since",
        help_text="The first dose ever, where it is known; above stands since when it is this dose.",
    )
    target = DoseField(label="Aimed at", required=False, help_text="No step goes above it; nothing chosen: the top.")
    question = Words(longest=LONGEST_LINE, called="The question", label="What is this course to show?", required=False)
    criterion = Words(
        longest=LONGEST_LINE, called="What counts as success", label="What counts as success", required=False
    )
    decide_on = DayField(label="Decided by")
    reasoning = Words(
        longest=LONGEST_REASON,
        called="The reasoning",
        label="Benefit and risk for this patient, in your words",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        *args: Any,
        choice: Choice,
        child: bool,
        asks_washout: bool = False,
        opioid_listed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if opioid_listed:
            # The list tells of those on it, with their days: nobody is to answer no to what stands there.
            self.fields["opioid_answer"].label = "Any other opioid in the last 14 days, or planned?"
            self.fields["opioid_answer"].help_text = f"Beside those on the list of medicines. {WHAT_COUNTS}"
        self.choice = choice
        self.fields["template"].choices = [(template.id, template) for template in choice.templates]
        self.helper = without_tags(
            Div(Field("opioid_answer", template=RADIOS), css_class="must-answer mb-4"),
            *([Div("washout_reason", css_class="mb-4")] if asks_washout else []),
            Field("template", template=_TEMPLATE_LIST),
            Div(
                "start_on",
                Field("slot", template=RADIOS),
                "nights",
                css_class="form-row",
            ),
            *(["weight_kg"] if child else []),
            dose_layout("strength"),
            Folded(
                "Another form, further strengths or a filler",
                Field("made_as", template=RADIOS),
                Div("more_strengths", "smallest_ml", "filler", css_class="form-row"),
                "scored",
                stands_open=self.is_bound and self._says_more(),
            ),
            Field("mode", template=RADIOS),
            Folded(
                "Waits for its medicine, or is taken already",
                Field("begins", template=RADIOS),
                dose_layout("first_dose"),
                "taking_since",
                dose_layout("target"),
                stands_open=self.is_bound and self._begins_otherwise(),
            ),
            Folded(
                "What it is tried for, and by when it is decided",
                "question",
                Div("criterion", "decide_on", css_class="form-row"),
                "reasoning",
                stands_open=self.is_bound and any(self.data.get(name) for name in TRIAL),
            ),
        )

    def _begins_otherwise(self) -> bool:
        doses = ("first_dose", "first_dose_other", "target", "target_other", "taking_since")
        return self.data.get("begins", "") not in ("", Begins.ON_A_DAY) or any(self.data.get(name) for name in doses)

    def beginning(self) -> dict[str, Any]:
        """How the course begins, as the deeds name it. Call it on a sound form."""
        values = self.cleaned_data
        first, target = values["first_dose"], values["target"]
        return {
            "awaiting": values["begins"] == Begins.AWAITING,
            "first_dose": first.dose if first else None,
            "target": target.dose if target else None,
        }

    def trial(self) -> Question | None:
        """What the course is to show, if anything was said of it. Call it on a sound form."""
        said = {name: self.cleaned_data[name] for name in TRIAL}
        return Question(**said) if any(said.values()) else None

    def _says_more(self) -> bool:
        usual = {"made_as": ("", Form.CAPSULES), "more_strengths": ("",), "smallest_ml": ("",), "filler": ("", "any")}
        typed = any(str(self.data.get(name, "")).strip() not in values for name, values in usual.items())
        return typed or "scored" in self.data

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._check_beginning(cleaned)
        self._check_trial(cleaned)
        read = cleaned.get("strength")
        if read is not None and not self.errors.keys() & {"more_strengths", "smallest_ml", "made_as", "filler"}:
            cleaned["typed"] = read.typed
            cleaned["formulation"] = self._formulation(read.dose, cleaned)
        return cleaned

    def _check_beginning(self, cleaned: dict[str, Any]) -> None:
        taking = cleaned.get("begins") == Begins.TAKING
        if taking and cleaned.get("first_dose") is None and "first_dose" not in self.errors:
            self.add_error("first_dose", "Say which dose is taken now.")
        if not taking and (cleaned.get("first_dose") or cleaned.get("taking_since")):
            self.add_error("begins", "A dose taken now stands below: choose “It is taken already”, or clear it.")

    def _check_trial(self, cleaned: dict[str, Any]) -> None:
        if not any(cleaned.get(name) for name in TRIAL):
            return
        needed = {
            "question": "Say what the course is to show.",
            "criterion": "Say what would count as success.",
            "decide_on": "A reasonable trial has an end: choose the date.",
        }
        for name, sentence in needed.items():
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        begins, ends = cleaned.get("start_on"), cleaned.get("decide_on")
        if begins and ends and ends <= begins:
            self.add_error("decide_on", "It is decided after the first dose: choose a later date.")

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

    def clean_weight_kg(self) -> Decimal | None:
        written = self.cleaned_data["weight_kg"].strip().replace(",", ".")
        try:
            return Decimal(written) if written else None
        except ArithmeticError as error:
            raise forms.ValidationError("Write the weight in kg as a number, like 32.5.") from error

    def clean_more_strengths(self) -> tuple[Dose, ...]:
        written = self.cleaned_data["more_strengths"].strip()
        try:
            return tuple(Dose.parse(one.strip()) for one in written.split(" and ")) if written else ()
        except Refused as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal
