"""What a label says, as it is typed; and a pharmacy of the directory."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from crispy_forms.layout import Div, Field
from django import forms
from django.core.validators import MaxLengthValidator

from common.dose import Dose
from desk.forms.contact import LONGEST_ADDRESS
from desk.forms.days import DayField
from desk.forms.dose import DoseField, dose_layout
from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, without_tags
from desk.forms.register import Words
from titration.engine.formulation import MEASURED, SOLID, Form, Formulation, Unit
from titration.engine.refusals import EngineRefusal
from titration.models import Pharmacy
from titration.services.supply import Dispensed, PharmacyWords

FORM_WORDS = {
    Form.CAPSULES: "Capsules",
    Form.TABLETS: "Tablets",
    Form.SUBLINGUAL: "Sublingual tablets",
    Form.LIQUID: "Liquid",
    Form.DROPS: "Drops",
    Form.CREAM: "Cream",
}
USUAL_SMALLEST_ML = "0.1"
_NUMBER = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,3})?")
_MONEY = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,2})?")
_DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}


def _number(label: str, *, required: bool = True, help_text: str = "", missing: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=20,
        help_text=help_text,
        widget=forms.TextInput(attrs=_DECIMAL),
        error_messages={"required": missing},
    )


class FillForm(forms.Form):
    """Cleans to `dispensed`, the plain values of the deed. `formulation` is what the course is made of: the offer."""

    use_required_attribute = False

    on = DayField(label="Dispensed on", missing="The date is missing.")
    pharmacy = forms.ChoiceField(label="Pharmacy", required=False)
    form = forms.ChoiceField(
        label="Form",
        choices=[(form.value, words) for form, words in FORM_WORDS.items()],
        widget=forms.RadioSelect(attrs=RADIO),
        error_messages={"required": "Say what was dispensed."},
    )
    strength = DoseField(
        label="Strength",
        help_text="In one capsule, tablet or drop, or in one mL.",
        asked="The strength is missing. It stands on the label.",
        for_a_unit=True,
    )
    scored = forms.BooleanField(label="Scored: halves of a tablet can be taken", required=False)
    smallest_ml = _number("Smallest measured volume, mL", required=False, help_text="Of a liquid or a cream only.")
    units = _number(
        "How many",
        help_text="Capsules, tablets or drops; of a liquid or a cream, mL.",
        missing="Say how many there are.",
    )
    lot = Words(
        longest=60,
        called="The lot",
        label="Lot",
        required=False,
        help_text="As on the label. It finds everybody who was given the same.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    beyond_use_on = DayField(label="Beyond-use date", help_text="The last day it may be taken.")
    filler = Words(
        longest=120,
        called="The filler",
        label="Filler",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    price = _number("Price of all of it", required=False, help_text="In your clinic's currency, like 42.50.")

    def __init__(
        self, *args: Any, pharmacies: Sequence[Pharmacy], formulation: Formulation | None, today: date, **kwargs: Any
    ) -> None:
        kwargs.setdefault("initial", {}).update(_offer(formulation, today))
        super().__init__(*args, **kwargs)
        self.pharmacies = {str(pharmacy.id): pharmacy for pharmacy in pharmacies}
        names = [(key, pharmacy.name) for key, pharmacy in self.pharmacies.items()]
        self.fields["pharmacy"].choices = [("", "Not in the directory"), *names]
        self.fields["on"].widget.attrs["max"] = today.isoformat()
        self.helper = without_tags(
            Div("on", "pharmacy", css_class="form-row"),
            Field("form", template=RADIOS),
            dose_layout("strength"),
            Div("units", "smallest_ml", css_class="form-row"),
            "scored",
            Div("lot", "beyond_use_on", css_class="form-row"),
            Div("filler", "price", css_class="form-row"),
        )

    def clean_units(self) -> Decimal | None:
        return _read(self.cleaned_data["units"], _NUMBER, "Write how many as a number, like 42 or 100.")

    def clean_price(self) -> Decimal | None:
        return _read(self.cleaned_data["price"], _MONEY, "Write the price as a number, like 42.50.")

    def clean_strength(self) -> Dose:
        return self.cleaned_data["strength"].dose

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        form = Form(cleaned["form"])
        if cleaned["scored"] and form not in SOLID:
            self.add_error("scored", "Only tablets are scored.")
        if form in SOLID | {Form.DROPS} and cleaned["units"] % 1:
            self.add_error("units", "These are counted: write a whole number.")
        grain = Fraction(1) if self.errors else self._grain(form, cleaned)
        if not self.errors:
            cleaned["dispensed"] = self._dispensed(Unit(form, cleaned["strength"], grain), cleaned)
        return cleaned

    def _grain(self, form: Form, cleaned: dict[str, Any]) -> Fraction:
        if form not in MEASURED:
            return Fraction(1, 2) if cleaned["scored"] else Fraction(1)
        try:
            smallest = _read(cleaned["smallest_ml"] or USUAL_SMALLEST_ML, _NUMBER, "Write mL as a number, like 0.1.")
            return Formulation(form=form, strengths=(cleaned["strength"],), smallest_ml=smallest).units[0].grain
        except (EngineRefusal, forms.ValidationError) as fault:
            self.add_error("smallest_ml", fault.sentence if isinstance(fault, EngineRefusal) else fault)
            return Fraction(1)

    def _dispensed(self, unit: Unit, cleaned: dict[str, Any]) -> Dispensed:
        return Dispensed(
            on=cleaned["on"],
            unit=unit,
            units=cleaned["units"],
            pharmacy=self.pharmacies.get(cleaned["pharmacy"]),
            lot=cleaned["lot"],
            beyond_use_on=cleaned["beyond_use_on"],
            filler=cleaned["filler"],
            price=cleaned["price"],
        )


def _offer(formulation: Formulation | None, today: date) -> dict[str, Any]:
    """What the form shows first: the course's own formulation, dispensed today."""
    if formulation is None:
        return {"on": today}
    smallest = formulation.smallest_ml
    return {
        "on": today,
        "form": formulation.form.value,
        "strength": formulation.strengths[0] if len(formulation.strengths) == 1 else None,
        "scored": formulation.scored,
        "smallest_ml": format(smallest, "f") if smallest else "",
    }


def _read(typed: str, pattern: re.Pattern[str], sentence: str) -> Decimal | None:
    if not typed:
        return None
    if not pattern.fullmatch(typed.strip()):
        raise forms.ValidationError(sentence)
    return Decimal(typed.strip().replace(",", "."))


class WithdrawForm(forms.Form):
    use_required_attribute = False

    reason = Words(
        longest=LONGEST_REASON,
        called="The reason",
        label="What was wrong with it",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags()


class PharmacyForm(forms.Form):
    """Carries the version of the row that was on the screen, 0 for a new one."""

    use_required_attribute = False

    name = Words(longest=120, called="The name", label="Name", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    fax = Words(
        longest=40,
        called="The fax number",
        label="Fax",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "That is not an e-mail address. It needs a name, an @ and a domain."},
    )
    compounds = Words(
        longest=500,
        called="What they compound",
        label="What they compound",
        required=False,
        help_text="Forms, strengths and fillers, in words.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    asked = forms.BooleanField(label="Offered for new prescriptions", required=False, initial=True)
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["email"].widget.attrs["maxlength"]
        self.fields["email"].validators.append(
            MaxLengthValidator(
                LONGEST_ADDRESS, "The e-mail address has %(show_value)s characters; %(limit_value)s fit."
            )
        )
        if new:
            del self.fields["asked"]
        self.helper = without_tags(*self.fields)

    def words(self) -> PharmacyWords:
        return PharmacyWords(**{name: self.cleaned_data[name] for name in ("name", "fax", "email", "compounds")})
