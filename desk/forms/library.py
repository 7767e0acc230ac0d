"""What a person fills in to write a template, to bring one in, or to decide about one."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crispy_forms.layout import Div, Field
from django import forms

from common.dose import SOFT_CEILING, Dose
from common.dose_limits import warning
from common.night import Slot
from common.refusals import Refused
from desk.forms.layout import LONGEST_REASON, RADIO, RADIOS, without_tags
from desk.presenters.schedule import GRADES
from titration.engine.makeable import unmakeable
from titration.engine.protocol import LONGEST_RUNG_DAYS, REVIEW_PENDING, Grade, Protocol, Rung, Source, Then
from titration.engine.refusals import EngineRefusal
from titration.protocol_toml import LONGEST_TEXT, from_toml
from titration.services.library import CODE, CODE_SENTENCE, check_confirmed

MOST_STEPS = 40
MOST_STRENGTHS = 20
THEN_WORDS = {
    Then.OPEN: "The last dose goes on with no end set",
    Then.REVIEW: "The last dose goes on until a prescriber has reviewed it",
    Then.END: "The plan ends",
}
TIME_WORDS = {
    "": "Left to the prescriber",
    Slot.BEDTIME.value: "At bedtime",
    Slot.MORNING.value: "In the morning",
    Slot.SPLIT.value: "Half in the morning, half in the evening",
}
GRADE_WORDS = {**GRADES, Grade.CHOICE: "a choice of our own (E3)"}
_SOURCE = re.compile(r"\s*([^:]{1,60}?)\s*:\s*(\S.{0,500})")
_IN_STEP = re.compile(r"\brung (\d+)\b")


def _text(label: str, *, most: int, rows: int = 0, required: bool = True, **more: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput(attrs={"autocomplete": "off"})
    asked = more.pop("asked", "This is needed.")
    field = forms.CharField(
        label=label, required=required, max_length=most, widget=widget, error_messages={"required": asked}, **more
    )
    # A browser that knows the limit cuts off what is pasted without a word.
    field.widget.attrs.pop("maxlength", None)
    return field


def _confirmed() -> forms.BooleanField:
    return forms.BooleanField(
        label="A dose above 6 mg is meant",
        required=False,
        help_text="Only where one is so high: no trial went higher.",
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )


class StrengthsField(forms.CharField):
    """Several strengths in mg, apart by blanks or semicolons, to a list of `Dose`; each is read like a typed dose."""

    def to_python(self, value: Any) -> Any:
        found = []
        for typed in re.split(r"[;\s]+|,\s+", super().to_python(value).strip(" ,;")):
            if not typed:
                continue
            try:
                found.append(Dose.parse(typed))
            except Refused as refusal:
                raise forms.ValidationError(f"“{typed}”: {refusal.sentence}") from refusal
        if len(found) > MOST_STRENGTHS:
            raise forms.ValidationError(f"Up to {MOST_STRENGTHS} strengths.")
        return found


class StepForm(forms.Form):
    """One step: cleans to `rung`, a `Rung`, or None where the line was left empty."""

    use_required_attribute = False

    dose = forms.CharField(
        label="Dose",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "form-control"}),
    )
    days = forms.CharField(
        label="Days",
        required=False,
        max_length=9,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "form-control"}),
    )
    reason = forms.CharField(
        label="Why so high, or so large a step",
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "form-control"}),
    )

    def clean_dose(self) -> Dose | None:
        typed = self.cleaned_data["dose"]
        if not typed:
            return None
        try:
            return Dose.parse(typed)
        except Refused as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal

    def clean_days(self) -> int | None:
        typed = self.cleaned_data["days"]
        if not typed:
            return None
        if not (typed.isascii() and typed.isdigit()) or not 1 <= int(typed) <= LONGEST_RUNG_DAYS:
            raise forms.ValidationError(f"Write a whole number of days, 1 to {LONGEST_RUNG_DAYS:,}.")
        return int(typed)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        dose, days, reason = cleaned["dose"], cleaned["days"], cleaned["reason"]
        if dose is None and (days is not None or reason):
            self.add_error("dose", "Write the dose of this step, or leave the whole line empty.")
        if dose is not None and dose > SOFT_CEILING and not reason.strip():
            self.add_error("reason", warning(dose))
        cleaned["rung"] = None if dose is None else Rung(dose, days, reason)
        return cleaned

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, error)
        if field in self.fields:
            self.fields[field].widget.attrs["class"] = "form-control is-invalid"


StepFormSet = forms.formset_factory(StepForm, extra=0, max_num=MOST_STEPS, validate_max=True)


def steps_of(protocol: Protocol, *, empty: int) -> list[dict[str, str]]:
    """The steps as the lines of the form begin, with some empty ones after them."""
    filled = [
        {"dose": rung.dose.text, "days": "" if rung.days is None else str(rung.days), "reason": rung.reason}
        for rung in protocol.rungs
    ]
    return filled + [{"dose": "", "days": "", "reason": ""}] * min(empty, MOST_STEPS - len(filled))


class TemplateForm(forms.Form):
    """All of a template but its steps. `protocol(rungs)` makes the template, or puts what is wrong beside its field.

    `made` is the template that can be drawn, also where it is still to be confirmed.
    """

    use_required_attribute = False

    code = _text(
        "Code", most=40, asked=CODE_SENTENCE, help_text="Short, in capital letters, like CLINIC-2W. It never changes."
    )
    name = _text("Name", most=200, asked="Give it a name that says what it does.")
    strengths = StrengthsField(
        label="Strengths your pharmacy makes, in mg",
        max_length=200,
        help_text="Apart by blanks, like 0.5 1.5 4.5. For a liquid write the least dose that it measures, like 0.1.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "decimal"}),
        error_messages={"required": "Say what your pharmacy makes: no step is kept that cannot be made."},
    )
    then = forms.ChoiceField(
        label="After the last step", choices=list(THEN_WORDS.items()), widget=forms.RadioSelect(attrs=RADIO)
    )
    time_of_day = forms.ChoiceField(
        label="Taken", required=False, choices=list(TIME_WORDS.items()), widget=forms.RadioSelect(attrs=RADIO)
    )
    grade = forms.ChoiceField(
        label="Rests on",
        choices=list(GRADE_WORDS.items()),
        widget=forms.RadioSelect(attrs=RADIO),
    )
    sources = _text(
        "Sources",
        most=5000,
        rows=3,
        asked="Name at least one source.",
        help_text="One a line: a short key, a colon, where it is found. Your own practice is a source too.",
    )
    note = _text("Note", most=5000, rows=3, required=False)
    words = _text(
        "What changed, and why",
        most=LONGEST_REASON,
        rows=2,
        asked="Say what changed, so that the next person understands.",
    )
    confirmed = _confirmed()
    seen_version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, base: Protocol, new: bool, saving: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Steps are drawn while the rest is still to be said.
        self.fields["words"].required = self.saving = saving
        self.made: Protocol | None = None
        self.base = base
        if not new:
            del self.fields["code"]
        self.helper = without_tags(
            *(["code"] if new else []),
            "name",
            Div("strengths", css_class="form-narrow"),
        )
        self.below = without_tags(
            "confirmed",
            Field("then", template=RADIOS),
            Field("time_of_day", template=RADIOS),
            Field("grade", template=RADIOS),
            "sources",
            "note",
            "words",
            "seen_version",
        )

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"]).strip()
        if not CODE.fullmatch(code):
            raise forms.ValidationError(CODE_SENTENCE)
        return code

    def clean_sources(self) -> tuple[Source, ...]:
        found = []
        for line in str(self.cleaned_data["sources"]).splitlines():
            if not line.strip():
                continue
            matched = _SOURCE.fullmatch(line)
            if matched is None:
                raise forms.ValidationError(
                    f"“{line.strip()[:60]}”: write a short key, a colon, and where it is found."
                )
            found.append(Source(matched[1], matched[2].strip()))
        return tuple(found)

    def clean_seen_version(self) -> int:
        return seen_version(self.cleaned_data["seen_version"])

    def protocol(self, rungs: Sequence[Rung], steps: Any) -> Protocol | None:
        """The template, or None and what is wrong beside the step or the field it belongs to."""
        values = self.cleaned_data
        try:
            made = Protocol(
                id=values.get("code") or self.base.id,
                version=1,
                name=values["name"],
                rungs=tuple(rungs),
                then=Then(values["then"]),
                sources=values["sources"],
                grade=Grade(values["grade"]),
                author="-",
                review=REVIEW_PENDING,
                note=values["note"],
                time_of_day=Slot(values["time_of_day"]) if values["time_of_day"] else None,
            )
        except EngineRefusal as refusal:
            self._place(refusal.sentence, steps)
            return None
        faults = unmakeable(made, values["strengths"])
        for number, sentence in faults.items():
            _filled(steps)[number].add_error("dose", sentence)
        if faults:
            return None
        self.made = made
        if self.saving:
            ask_once_more(self, made)
        return None if self.errors else made

    def _place(self, sentence: str, steps: Any) -> None:
        """Beside the step that the sentence names, else above the form."""
        words = _IN_STEP.sub(r"step \1", sentence.partition(": ")[2]).replace("rung", "step")
        words = words[:1].upper() + words[1:]
        named, filled = _IN_STEP.search(sentence), _filled(steps)
        if named and int(named[1]) <= len(filled):
            filled[int(named[1]) - 1].add_error("reason" if "no reason" in words else "dose", words)
        else:
            self.add_error(None, words)


def _filled(steps: Any) -> list[StepForm]:
    return [form for form in steps.forms if form.cleaned_data.get("rung") is not None]


class PasteForm(forms.Form):
    """A template as the text of a file. Cleans to `protocol`; `made` is what can be drawn of it."""

    use_required_attribute = False

    text = _text(
        "The template as TOML",
        most=LONGEST_TEXT,
        rows=18,
        asked="Paste the text of the file.",
        help_text="Open the file in an editor of plain text and copy all of it. Nothing is kept before you save.",
    )
    code = _text(
        "Code in your clinic", most=40, required=False, help_text="Only where it is to be called otherwise here."
    )
    strengths = StrengthsField(
        label="Strengths your pharmacy makes, in mg",
        max_length=200,
        help_text="Apart by blanks, like 0.5 1.5 4.5. For a liquid write the least dose that it measures, like 0.1.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "decimal"}),
        error_messages={"required": "Say what your pharmacy makes: no step is kept that cannot be made."},
    )
    words = _text("Where it comes from, or what changed", most=LONGEST_REASON, rows=2, asked="Say where it comes from.")
    confirmed = _confirmed()
    seen_version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, saving: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].required = self.saving = saving
        self.made: Protocol | None = None
        self.fields["text"].widget.attrs |= {"spellcheck": "false", "class": "toml"}
        self.helper = without_tags(
            "text", Div("code", "strengths", css_class="form-row"), "words", "confirmed", "seen_version"
        )

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        try:
            self.cleaned_data["protocol"] = from_toml(text)
        except EngineRefusal as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal
        return text

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"]).strip()
        if code and not CODE.fullmatch(code):
            raise forms.ValidationError(CODE_SENTENCE)
        return code

    def clean_seen_version(self) -> int:
        return seen_version(self.cleaned_data["seen_version"])

    def renamed(self) -> Protocol:
        """The template of a sound form, by the code it is to have here."""
        found: Protocol = self.cleaned_data["protocol"]
        return replace(found, id=self.cleaned_data["code"] or found.id)


def ask_once_more(form: forms.Form, made: Protocol) -> None:
    """Hold a form to the second confirmation of a dose above 6 mg."""
    try:
        check_confirmed(made, confirmed=bool(form.cleaned_data.get("confirmed")))
    except Refused as refusal:
        form.add_error("confirmed", refusal.sentence)


class DecideForm(forms.Form):
    """The words of a decision about a template."""

    use_required_attribute = False

    words = _text("Why", most=LONGEST_REASON, rows=3, asked="Say why, so that the next person understands.")

    def __init__(self, *args: Any, label: str, required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].label, self.fields["words"].required = label, required
        self.helper = without_tags("words")


def seen_version(typed: str) -> int:
    """The version as a number; what no page of ours could have sent is none there ever was."""
    if not typed:
        return 0
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else -1
