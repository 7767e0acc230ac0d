"""Whom the day is narrowed to, and the name under which that is kept."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from common.dose import Dose
from desk.forms.layout import LONGEST_REASON, without_tags
from desk.forms.register import Words
from patients import conditions
from titration.selectors.worklist import Wanted

LONGEST_NAME = 40
DOSES = tuple(str(Decimal(half) / 2).removesuffix(".0") for half in range(1, 13))
"""The doses offered to narrow by, in mg: every half up to 6."""

Named = Sequence[tuple[uuid.UUID, str]]


class FilterForm(forms.Form):
    """What the page's address says of the filters: ids and codes. One that names nothing known narrows nothing,
    and is named on the page.
    """

    use_required_attribute = False

    clinician = forms.ChoiceField(label="Signed by, or passed to", required=False)
    condition = forms.ChoiceField(label="Condition", required=False)
    dose = forms.ChoiceField(label="Dose now", required=False)
    tag = forms.ChoiceField(label="Tag", required=False)

    def __init__(self, *args: Any, clinicians: Named, tags: Named, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("clinician", "Anybody", [(str(key), name) for key, name in clinicians])
        named = [(code, one.name) for code, one in conditions.all_conditions().items()]
        self._offer("condition", "Any", [*named, (conditions.OTHER, "Another condition")])
        self._offer("dose", "Any", [(mg, str(Dose.of(mg))) for mg in DOSES])
        self._offer("tag", "Any", [(str(key), name) for key, name in tags])
        self.helper = without_tags()

    def _offer(self, name: str, nothing: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        field.choices = [("", nothing), *choices]  # type: ignore[attr-defined]
        field.widget.attrs["class"] = "form-select"

    def chosen(self) -> dict[str, str]:
        """The filters that narrow, as the address carries them."""
        self.is_valid()
        return {name: value for name in self.fields if (value := self.cleaned_data.get(name, ""))}

    def unknown(self) -> list[str]:
        """The filters that the address fills with what is not there, or no longer."""
        self.is_valid()
        return [str(self.fields[name].label) for name in self.errors]

    def wanted(self) -> Wanted:
        chosen = self.chosen()
        return Wanted(
            clinician=uuid.UUID(chosen["clinician"]) if "clinician" in chosen else None,
            condition=chosen.get("condition"),
            dose=Dose.of(chosen["dose"]) if "dose" in chosen else None,
            tag=uuid.UUID(chosen["tag"]) if "tag" in chosen else None,
        )


class KeepViewForm(forms.Form):
    use_required_attribute = False

    name = Words(longest=LONGEST_NAME, called="The name", label="Keep this view as")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("name")


class TagsForm(forms.Form):
    """The tags on a patient, and one more by its name."""

    use_required_attribute = False

    tags = forms.MultipleChoiceField(label="Tags", required=False, widget=forms.CheckboxSelectMultiple)
    new = Words(
        longest=LONGEST_NAME,
        called="The tag",
        label="A new tag",
        required=False,
        help_text="A word your clinic groups patients by. Everybody in the clinic sees it; the patient does not.",
    )

    def __init__(self, *args: Any, tags: Named, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["tags"]
        field.choices = [(str(key), name) for key, name in tags]  # type: ignore[attr-defined]
        field.widget.attrs["class"] = "form-check-input"
        if not tags:
            del self.fields["tags"]
        self.helper = without_tags()


class ClarifyForm(forms.Form):
    use_required_attribute = False

    words = Words(
        longest=LONGEST_REASON,
        called="What was really taken",
        label="What was really taken, and how you know",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("words")
