"""A dose as a form asks for it: strengths to pick first, another to write, and what was read said back in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crispy_forms.layout import Field
from django import forms
from django.urls import reverse_lazy

from common.dose import Dose, echo
from common.dose_limits import check_high_dose, warning
from common.refusals import Refused
from desk.forms.layout import RADIO

STRENGTHS = ("0.5", "1", "1.5", "2", "3", "4.5")
"""Capsules that pharmacies make most (clinical facts 5.1); any other can be written."""
OTHER = "other"
LONGEST_TYPED = 40
DOSE = "desk/_dose_field.html"
PICK_OR_WRITE = "Choose a strength or write another, not both."


@dataclass(frozen=True)
class TypedDose:
    """A dose and, where it was written and not picked, how."""

    dose: Dose
    typed: str = ""


@dataclass(frozen=True)
class Echo:
    """What a dose field says beside itself: how it was read, and what so high a dose asks for."""

    said: str = ""
    warning: str = ""


class DoseWidget(forms.MultiWidget):
    """Posts `name`, the strength picked, and `name_other`, the one written. Drawn by the template `DOSE`."""

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        written = {"inputmode": "decimal", "autocomplete": "off", "class": "form-control"}
        super().__init__({"": forms.RadioSelect(attrs=RADIO, choices=choices), "other": forms.TextInput(attrs=written)})

    def decompress(self, value: Any) -> list[str]:
        if isinstance(value, TypedDose):
            value = value.dose
        if not isinstance(value, Dose):
            return ["", ""]
        offered = {choice for choice, _ in self.widgets[0].choices}
        return [value.text, ""] if value.text in offered else [OTHER, value.text]


class DoseField(forms.MultiValueField):
    """Cleans to a `TypedDose`, or to None where nothing is asked for and nothing given. Nothing is ever rounded.

    `asked` is the sentence where an answer is missing; `for_a_unit` says that it is what one capsule holds, which asks
    for no reason however much it is. Place it with `dose_layout(name)`.
    """

    def __init__(
        self,
        *,
        strengths: Sequence[str] = STRENGTHS,
        asked: str = "Choose a dose, or write another one in mg.",
        for_a_unit: bool = False,
        **more: Any,
    ) -> None:
        self.asked, self.for_a_unit = asked, for_a_unit
        choices = [*((mg, f"{mg} mg") for mg in strengths), (OTHER, "Another")]
        self.offered = frozenset(strengths)
        # Each part is judged by `clean`: which of them is missing depends on the other.
        parts = [forms.CharField(required=False), forms.CharField(required=False)]
        super().__init__(parts, widget=DoseWidget(choices), require_all_fields=False, **more)

    def clean(self, value: Any) -> TypedDose | None:
        picked, typed = (str(part or "").strip() for part in (value or ("", "")))
        if picked not in self.offered | {"", OTHER}:
            raise forms.ValidationError("Choose one of the strengths, or write another.", "invalid_choice")
        try:
            found = read(picked, typed)
        except Refused as refusal:
            raise forms.ValidationError(refusal.sentence, "misread") from refusal
        if found is None and (self.required or picked):
            raise forms.ValidationError(self.asked, "required")
        return found

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> "DoseBoundField":
        return DoseBoundField(form, self, field_name)


class DoseBoundField(forms.BoundField):
    """A dose field on a page."""

    @property
    def echo(self) -> Echo:
        """What the field would read now; nothing where it would read nothing."""
        try:
            found = self.field.clean(self.value() if self.form.is_bound else self._offered_first())
            return echo_of(found, for_a_unit=self.field.for_a_unit)
        except forms.ValidationError:
            return Echo()

    def _offered_first(self) -> list[str]:
        first: list[str] = self.field.widget.decompress(self.initial)
        return first

    @property
    def echo_url(self) -> str:
        """Where what is typed is read while it is typed."""
        return str(reverse_lazy("desk:read_dose"))

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The strengths to pick and the line to write on, as the widget would draw them."""
        drawn = self.field.widget.get_context(self.html_name, self.value(), {"id": self.auto_id})["widget"]
        parts: list[dict[str, Any]] = drawn["subwidgets"]
        return parts


def read(picked: str, typed: str) -> TypedDose | None:
    """What was picked or written, None where neither was; raises `Refused` where both were or it is no dose."""
    if picked not in ("", OTHER):
        if typed:
            raise Refused(PICK_OR_WRITE)
        return TypedDose(Dose.parse(picked))
    if len(typed) > LONGEST_TYPED:
        raise Refused(f"A dose is written in at most {LONGEST_TYPED} characters.")
    return TypedDose(Dose.parse(typed), typed) if typed else None


def echo_of(found: TypedDose | None, *, for_a_unit: bool = False) -> Echo:
    """What was read, said back: digits, words, and what so high a dose asks for, where it is a dose to be taken."""
    if found is None:
        return Echo()
    written = f"You wrote “{found.typed}”. " if found.typed and found.typed != found.dose.text else ""
    return Echo(f"{written}Read as {echo(found.dose)}.", "" if for_a_unit else warning(found.dose))


def dose_layout(name: str) -> Field:
    """The field in a crispy layout."""
    return Field(name, template=DOSE)


def check_high(form: forms.Form, *, dose: str, reason: str, confirmed: str) -> None:
    """Hold a form to what its dose asks for, the sentence beside the field that lacks. Call it from `clean`."""
    found = form.cleaned_data.get(dose)
    if not isinstance(found, TypedDose):
        return
    why = form.cleaned_data.get(reason, "")
    try:
        check_high_dose(found.dose, reason=why, confirmed=bool(form.cleaned_data.get(confirmed)))
    except Refused as refusal:
        form.add_error(confirmed if why.strip() else reason, refusal.sentence)
