"""Typed doses on the desk's pages: strengths first, read back in words, with and without scripts."""

import re
from typing import Any

import pytest
from django import forms
from django.test import Client

from accounts.models import Membership
from common.dose import Dose
from desk.forms.dose import DoseField, TypedDose, check_high, dose_layout
from desk.forms.layout import without_tags
from tests import factories, pages
from tests.pages import words_of


class GoTo(forms.Form):
    """A form as pages have them: a dose, why, and the second confirmation."""

    dose = DoseField(label="New dose")
    reason = forms.CharField(required=False)
    sure = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = without_tags(dose_layout("dose"), "reason", "sure")

    def clean(self) -> dict[str, Any]:
        check_high(self, dose="dose", reason="reason", confirmed="sure")
        return self.cleaned_data


class TestField:
    @pytest.mark.parametrize(
        ("posted", "read"),
        [
            ({"dose": "1.5"}, TypedDose(Dose.of("1.5"))),
            ({"dose": "other", "dose_other": "4,5"}, TypedDose(Dose.of("4.5"), "4,5")),
            ({"dose_other": " .5 "}, TypedDose(Dose.of("0.5"), ".5")),
        ],
    )
    def test_picked_or_written(self, posted: dict[str, str], read: TypedDose) -> None:
        form = GoTo(posted)
        assert form.is_valid(), form.errors
        assert form.cleaned_data["dose"] == read

    @pytest.mark.parametrize(
        ("posted", "sentence"),
        [
            ({}, "Choose a dose, or write another one in mg."),
            ({"dose": "other"}, "Choose a dose, or write another one in mg."),
            ({"dose": "3", "dose_other": "4.5"}, "Choose a strength or write another, not both."),
            ({"dose": "7"}, "Choose one of the strengths, or write another."),
            ({"dose_other": "450"}, "Is a point missing (4.5 mg), or are these micrograms (0.45 mg)?"),
            ({"dose_other": "450 mcg"}, "450 micrograms is 0.45 mg"),
            ({"dose_other": "4" * 41}, "at most 40 characters"),
        ],
    )
    def test_refused_beside_the_field_and_kept(self, posted: dict[str, str], sentence: str) -> None:
        form = GoTo(posted)
        assert not form.is_valid()
        assert sentence in " ".join(form.errors["dose"])
        assert posted.get("dose_other", "") in str(form["dose"])

    def test_not_asked_for_and_not_given_is_nothing(self) -> None:
        class Maybe(forms.Form):
            dose = DoseField(required=False)

        form = Maybe({})
        assert form.is_valid()
        assert form.cleaned_data["dose"] is None

    @pytest.mark.parametrize(
        ("dose", "reason", "sure", "field"),
        [
            ("5", "", "", "reason"),
            ("5", "why", "", ""),
            ("7", "why", "", "sure"),
            ("7", "why", "on", ""),
            ("7", "", "on", "reason"),
        ],
    )
    def test_what_a_high_dose_lacks_is_said_where_it_is_lacking(
        self, dose: str, reason: str, sure: str, field: str
    ) -> None:
        form = GoTo({"dose_other": dose, "reason": reason, "sure": sure})
        assert list(form.errors) == ([field] if field else [])

    def test_a_dose_from_before_is_offered_again(self) -> None:
        picked = re.findall(r'value="([^"]+)"[^>]* checked', str(GoTo(initial={"dose": Dose.of("3")})["dose"]))
        assert picked == ["3"]
        assert GoTo(initial={"dose": Dose.of("3")})["dose"].echo.said == "Read as 3 mg, three milligrams."
        assert GoTo(initial={"dose": Dose.of("0.75")})["dose"].echo.said == (
            "Read as 0.75 mg, zero point seven five milligrams."
        )


@pytest.mark.django_db
class TestReadBack:
    @pytest.fixture
    def desk(self) -> Client:
        return pages.client_of(factories.member(factories.clinic(), Membership.Role.PRESCRIBER))

    @pytest.mark.parametrize(
        ("picked", "typed", "said"),
        [
            ("", "4,5", "You wrote “4,5”. Read as 4.5 mg, four and a half milligrams."),
            ("other", ".5", "You wrote “.5”. Read as 0.5 mg, half a milligram."),
            ("other", "3.0", "You wrote “3.0”. Read as 3 mg, three milligrams."),
            ("1.5", "", "Read as 1.5 mg, one and a half milligrams."),
            ("", "5", "5 mg is above 4.5 mg, where almost everybody stops: say why."),
            ("", "7", "7 mg is above 6 mg, the highest dose tested: say why, and confirm it once more."),
            ("", "45", "Is a point missing (4.5 mg)?"),
            ("3", "4.5", "not both"),
            ("<b>", "", "not a dose in milligrams"),
            ("", "", ""),
        ],
    )
    def test_each_is_read_back(self, desk: Client, picked: str, typed: str, said: str) -> None:
        response = desk.post("/doses/read/", {"field": "strength", "strength": picked, "strength_other": typed})
        assert response.status_code == 200
        assert said in words_of(response)
        assert 'id="id_strength_echo"' in response.content.decode()
        assert "<b>" not in response.content.decode()

    def test_without_scripts_the_form_says_it_back_itself(self, desk: Client) -> None:
        clinic_patient = factories.patient(factories.clinic())
        factories.protocol_version()
        desk = pages.client_of(factories.member(clinic_patient.clinic))
        page = desk.post(f"/patients/{clinic_patient.id}/prescribe/", {"strength": "other", "strength_other": "4,5"})
        assert "You wrote “4,5”. Read as 4.5 mg, four and a half milligrams." in words_of(page)
        assert page.content.decode().index('value="1.5"') < page.content.decode().index('name="strength_other"')
