"""What a person fills in to restrict a record, and whom they let in."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Field, Layout
from django import forms

from desk.forms.register import Words
from patients.care_team import Colleague

LONGEST_REASON = 2000
_UNKNOWN = "This person does not read records in your clinic. Choose somebody from the list."


def _helper(*fields: Any) -> FormHelper:
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*fields)
    return helper


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
        self.helper = _helper(Field("team", css_class="choices"), "reason")


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
        self.helper = _helper("user_id")
