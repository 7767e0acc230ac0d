"""What a prescriber decides on a prescription beside the plan, and who they are on it."""

from collections.abc import Sequence
from typing import Any

from crispy_forms.layout import Div, Field
from django import forms

from common.dose import Dose
from common.refusals import Refused
from desk.forms.layout import RADIO, RADIOS, without_tags
from desk.forms.register import Words
from desk.forms.supply import FORM_WORDS, USUAL_SMALLEST_ML
from titration.engine.formulation import MEASURED, Form, Formulation
from titration.engine.refusals import EngineRefusal
from titration.models import Pharmacy
from titration.papers import FILLERS
from titration.services.papers import MOST_NIGHTS, MOST_REFILLS, Asked


def _count(label: str, *, least: int, most: int, initial: int) -> forms.IntegerField:
    sentence = f"Write a whole number from {least} to {most}."
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        initial=initial,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), sentence),
    )


def _words(called: str, label: str, *, longest: int = 300, rows: int = 2, **more: Any) -> Words:
    return Words(longest=longest, called=called, label=label, widget=forms.Textarea(attrs={"rows": rows}), **more)


class PaperForm(forms.Form):
    """Cleans to `asked`, the plain values of the deed. It offers what the course is made of."""

    use_required_attribute = False

    form = forms.ChoiceField(
        label="Form",
        choices=[(form.value, words) for form, words in FORM_WORDS.items()],
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Choose a form."},
    )
    strengths = forms.CharField(
        label="Strengths in mg",
        max_length=60,
        help_text="In one capsule, tablet or drop, or in one mL. Several capsules with “and”: 1.5 and 3.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "The strength is missing."},
    )
    scored = forms.BooleanField(label="Scored: halves of a tablet can be taken", required=False)
    filler = forms.ChoiceField(
        label="Filler", choices=[(filler.value, words) for filler, words in FILLERS.items()], initial="any"
    )
    nights = _count("For so many days", least=1, most=MOST_NIGHTS, initial=84)
    refills = _count("Refills", least=0, most=MOST_REFILLS, initial=0)
    pharmacy = forms.ChoiceField(label="Pharmacy", required=False)
    address = _words("The address", "Patient's address")
    allergies = _words("What is known of allergies", "Allergies", help_text="“None known” is an answer.")
    indication = _words("What it is for", "For", help_text="The condition treated.")
    note = _words("The note", "Note to the pharmacy", required=False)

    def __init__(self, *args: Any, pharmacies: Sequence[Pharmacy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pharmacies = {str(pharmacy.id): pharmacy for pharmacy in pharmacies}
        self.fields["pharmacy"].choices = [("", "Any"), *((key, one.name) for key, one in self.pharmacies.items())]
        self.helper = without_tags(
            Field("form", template=RADIOS),
            Div("strengths", "filler", css_class="form-row"),
            "scored",
            Div("nights", "refills", "pharmacy", css_class="form-row"),
            Div("address", "allergies", "indication", css_class="form-row"),
            "note",
        )

    def clean_strengths(self) -> tuple[Dose, ...]:
        try:
            return tuple(Dose.parse(one) for one in self.cleaned_data["strengths"].split("and"))
        except Refused as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        form = Form(cleaned["form"])
        data = {
            "form": form,
            "strengths": cleaned["strengths"],
            "scored": cleaned["scored"],
            "smallest_ml": Formulation.from_json(
                {"liquid_mg_per_ml": "1", "smallest_ml": USUAL_SMALLEST_ML}
            ).smallest_ml
            if form in MEASURED
            else None,
            "filler": next(filler for filler in FILLERS if filler == cleaned["filler"]),
        }
        try:
            formulation = Formulation(**data)
        except EngineRefusal as refusal:
            self.add_error("strengths", refusal.sentence)
            return cleaned
        names = ("nights", "refills", "address", "allergies", "indication", "note")
        cleaned["asked"] = Asked(
            formulation=formulation,
            pharmacy=self.pharmacies.get(cleaned["pharmacy"]),
            **{name: cleaned[name] for name in names},
        )
        return cleaned


class LicenceForm(forms.Form):
    use_required_attribute = False

    licence = Words(
        longest=80,
        called="The licence",
        label="Licence",
        help_text="As your prescriptions are to say it, with who gave it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    npi = forms.CharField(
        label="NPI",
        required=False,
        max_length=20,
        help_text="In the United States only: ten digits.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags()
