"""What a person fills in to restrict a record, and whom they let in."""

from typing import Any

from crispy_forms.layout import Field
from django import forms

from desk.forms.layout import LONGEST_REASON, without_tags
from desk.forms.register import Words
from patients.care_team import Colleague

_UNKNOWN = "This person does not read records in your clinic. Choose somebody from the list."


def _choices(colleagues: list[Colleague]) -> list[tuple[str, str]]:
    return [(str(one.user_id), f"{one.name}, {one.role.lower()}") for one in colleagues]


class RestrictForm(forms.Form):
    """`colleagues` are those who could be on the team beside whoever fills this in."""

    use_required_attribute = False

    team = forms.MultipleChoiceField(
        label="Who else may open it",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="You are on the team yourself. Everybody not ticked can no longer find this record.",
        error_messages={"invalid_choice": _UNKNOWN},
    )
    reason = Words(
        longest=LONGEST_REASON,
        called="The reason",
        label="Why",
        help_text="For example that the patient asked for it, or works in the clinic.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, colleagues: list[Colleague], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].choices = _choices(colleagues)
        self.helper = without_tags(Field("team", css_class="choices"), "reason")


class AddMemberForm(forms.Form):
    """`colleagues` are those who are not on the team yet."""

    use_required_attribute = False

    user_id = forms.ChoiceField(
        label="Let somebody else open it",
        widget=forms.Select,
        error_messages={"required": "Choose somebody.", "invalid_choice": _UNKNOWN},
    )

    def __init__(self, *args: Any, colleagues: list[Colleague], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user_id"].choices = [("", "Choose a colleague"), *_choices(colleagues)]
        self.helper = without_tags("user_id")
