"""Letting somebody look after a patient, as the clinic asks it."""

from typing import Any

from desk.forms.layout import without_tags
from patients.forms import CareForm


class ClinicCareForm(CareForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags("name", "email", "relation", "rights", "last_day")
