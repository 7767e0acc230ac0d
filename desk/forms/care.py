"""Letting somebody look after a patient, as the clinic asks it."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout

from patients.forms import CareForm


class ClinicCareForm(CareForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout("name", "email", "relation", "rights", "last_day")
