"""The pages about templates: what they show to whom, writing one with and without scripts, and bringing one in."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from patients.models import Patient
from tests import factories, memory, pages
from tests.pages import words_of
from titration import protocol_files
from titration.engine.protocol import Protocol
from titration.models import ProtocolDecision, ProtocolVersion
from titration.protocol_toml import from_toml, to_toml
from titration.services import protocols

pytestmark = pytest.mark.django_db
AT = factories.AT
ROLES = Membership.Role


@pytest.fixture
def clinic() -> Clinic:
    protocols.load_shipped(at=AT)
    return factories.clinic()


@pytest.fixture
def by(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


@pytest.fixture
def desk(by: Actor) -> Client:
    return pages.client_of(by)


@pytest.fixture
def own(by: Actor) -> ProtocolVersion:
    return factories.own_template(by)


def shared(code: str = "STD-2W") -> ProtocolVersion:
    return ProtocolVersion.objects.get(clinic=None, code=code)


def typed(*steps: tuple[str, str, str], **changes: str) -> dict[str, str]:
    lines = [*steps, ("", "", "")] if steps else [("1.5", "14", ""), ("3,0", "21", ""), ("4.5", "", ""), ("", "", "")]
    values = {
        "code": "OURS-3W",
        "name": "ours, slower",
        "strengths": "1.5 3",
        "then": "open",
        "time_of_day": "",
        "grade": "E3",
        "sources": "OURS: our own practice\nLAV: lavenderskyhealth.com",
        "note": "",
        "words": "slower at the second step",
        "seen_version": "0",
        "step-TOTAL_FORMS": str(len(lines)),
        "step-INITIAL_FORMS": "0",
        "action": "save",
    }
    for number, (dose, days, reason) in enumerate(lines):
        values |= {f"step-{number}-dose": dose, f"step-{number}-days": days, f"step-{number}-reason": reason}
    return values | changes


def edit(desk: Client, version: ProtocolVersion, values: dict[str, str]) -> Any:
    return desk.post(f"/templates/{version.id}/edit/", values)


class TestList:
    def test_all_of_them_with_what_they_rest_on(self, desk: Client, own: ProtocolVersion) -> None:
        words = words_of(desk.get("/templates/"))
        assert "Ours, every 2 weeks, ours-2w (OURS-2W)" in words
        for protocol in protocol_files.shipped().values():
            assert protocol.label.casefold() in words.casefold()
        for row in protocol_files.not_shipped().values():
            assert row.why in words
        assert "0.1 mg/kg, at most 4.5 mg" in words

    def test_its_statements_do_not_grow(self, desk: Client, by: Actor, own: ProtocolVersion) -> None:
        factories.prescription(factories.patient(by_clinic(by)), by=by, protocol_version=own)
        desk.get("/templates/")
        with pages.statements() as few:
            desk.get("/templates/")
        for number in range(5):
            version = factories.own_template(by, code=f"MORE-{number}")
            factories.prescription(factories.patient(by_clinic(by)), by=by, protocol_version=version)
        with pages.statements() as many:
            page = words_of(desk.get("/templates/"))
        assert len(few) == len(many), str(many)
        assert page.count("1 course") == 6

    @pytest.mark.parametrize("role", ROLES.values)
    def test_everybody_reads_them_and_some_write(self, clinic: Clinic, own: ProtocolVersion, role: str) -> None:
        desk = pages.client_of(factories.member(clinic, role))
        page = desk.get(f"/templates/{own.id}/").content.decode()
        writes = role in (ROLES.PRESCRIBER, ROLES.ADMINISTRATOR, ROLES.PRINCIPAL)
        assert ("Write the next version" in page) is writes
        assert desk.get(f"/templates/{own.id}/edit/").status_code == (200 if writes else 403)
        reads = role not in (ROLES.AUDITOR, ROLES.ADMINISTRATOR)
        assert ("open course" in page) is reads
        assert desk.get(f"/templates/{own.id}/courses/").status_code == (200 if reads else 403)


def by_clinic(by: Actor) -> Clinic:
    return Clinic.objects.get(id=by.clinic_id)


class TestOne:
    def test_steps_sources_and_that_nobody_has_reviewed_it(self, desk: Client) -> None:
        words = words_of(desk.get(f"/templates/{shared().id}/"))
        assert "Every 2 weeks (STD-2W)" in words
        assert "day 15 3 mg, three milligrams 14 days" in words
        assert "day 29 4.5 mg, four and a half milligrams goes on" in words
        assert "DIECK-DOSE" in words
        assert "review pending" in words
        assert "The last dose goes on with no end set." in words

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("PEDS-UK", "0.025 mg/kg, at most 1 mg"),
            ("PEDS-UK", "less than 40 kg"),
            ("PEDS-SMITH", "every 90 days"),
            ("PDN-RESP", "only if pain has fallen by less than 20 %"),
            ("GI-PLOESSER-C", "2.5 mg twice a day"),
            ("CANCER-W", "3 days on, 3 days off, once that is signed"),
            ("LC-DUBLIN", "Then the plan ends: no dose."),
        ],
    )
    def test_every_term_is_said(self, desk: Client, code: str, said: str) -> None:
        assert said in words_of(desk.get(f"/templates/{shared(code).id}/"))

    def test_courses_on_an_older_version_are_named_to_be_reviewed(
        self, desk: Client, by: Actor, own: ProtocolVersion, clinic: Clinic
    ) -> None:
        patients = [factories.patient(clinic, f"Test Person {number}") for number in range(3)]
        for patient in patients:
            factories.prescription(patient, by=by, protocol_version=own)
        assert edit(desk, own, typed(seen_version="1")).status_code == 302
        newest = ProtocolVersion.objects.get(clinic=clinic, version=2)
        page = desk.get(f"/templates/{newest.id}/")
        assert "3 courses are still on version 1" in words_of(page)
        assert f"/templates/{own.id}/courses/" in page.content.decode()
        courses = desk.get(f"/templates/{own.id}/courses/")
        for patient in patients:
            assert patient.name in words_of(courses)
            assert f"/patients/{patient.id}/" in courses.content.decode()
        (seen,) = memory.events(action="template.courses")
        assert set(seen.patient_ids) == {patient.id for patient in patients}
        assert "The newest is version 2." in words_of(courses)
        assert "There is a newer version" in words_of(desk.get(f"/templates/{own.id}/"))

    def test_many_courses_come_a_page_at_a_time_and_cost_no_more(
        self, desk: Client, by: Actor, own: ProtocolVersion, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("titration.selectors.library.COURSES_ON_A_PAGE", 2)
        factories.prescription(factories.patient(clinic, "Test First"), by=by, protocol_version=own)
        desk.get(f"/templates/{own.id}/courses/")
        with pages.statements() as few:
            desk.get(f"/templates/{own.id}/courses/")
        for number in range(3):
            patient = factories.patient(clinic, f"Test Later {number}")
            at = AT + timedelta(hours=number + 1)
            factories.prescription(patient, by=by, protocol_version=own, at=at)
        with pages.statements() as many:
            page = desk.get(f"/templates/{own.id}/courses/")
        words = words_of(page)
        assert len(few) == len(many), str(many)
        assert ("Test First" in words, "Test Later 0" in words, "Test Later 1" in words) == (True, True, False)
        following = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
        assert following
        second = desk.get(unescape(following[1]))
        words = words_of(second)
        assert ("Test Later 0" in words, "Test Later 1" in words, "Test Later 2" in words) == (False, True, True)
        assert 'rel="next"' not in second.content.decode()
        assert "Test First" in words_of(desk.get(f"/templates/{own.id}/courses/?after=nonsense"))

    def test_another_clinics_is_not_there(self, own: ProtocolVersion) -> None:
        stranger = pages.client_of(factories.member(factories.clinic("Other Clinic")))
        for part in ("", "courses/", "file/", "edit/", "text/", "review/", "withdraw/", "offer/"):
            assert stranger.get(f"/templates/{own.id}/{part}").status_code == 404, part


class TestWriting:
    def test_a_copy_of_a_shared_one_is_the_clinics_own(self, desk: Client, by: Actor) -> None:
        page = desk.get(f"/templates/{shared().id}/edit/").content.decode()
        assert 'value="MY-STD-2W"' in page
        assert re.search(r'name="step-1-dose" value="3"', page)
        response = edit(desk, shared(), typed())
        made = ProtocolVersion.objects.get(clinic_id=by.clinic_id)
        assert response["Location"] == f"/templates/{made.id}/"
        protocol = Protocol.from_json(made.body)
        assert [(rung.dose.text, rung.days) for rung in protocol.rungs] == [("1.5", 14), ("3", 21), ("4.5", None)]
        assert [source.key for source in protocol.sources] == ["OURS", "LAV"]
        assert ProtocolDecision.objects.get(clinic_id=by.clinic_id).words == "slower at the second step"
        assert 'value="1.5 3"' in desk.get(f"/templates/{shared().id}/edit/").content.decode()

    @pytest.mark.parametrize(
        ("steps", "sentence"),
        [
            ([("1.5", "14", ""), ("4.5", "", "")], "Step 2 rises by 3 mg, more than 1.5 mg, and gives no reason."),
            (
                [("4.5", "14", ""), ("6", "", "")],
                "Step 2: 6 mg is above 4.5 mg, where almost everybody stops: say why.",
            ),
            ([("1", "14", ""), ("2", "", "")], "1 mg cannot be made from 3 mg and 1.5 mg capsules."),
            ([("450", "14", "")], "Is a point missing (4.5 mg), or are these micrograms (0.45 mg)?"),
            ([("1.5", "two", ""), ("3", "", "")], "Write a whole number of days"),
            ([("1.5", "0", ""), ("3", "", "")], "Write a whole number of days"),
            ([("1.5", "", ""), ("3", "", "")], "Only the last step may be without an end."),
            ([("1.5", "14", ""), ("3", "14", "")], "The last step has no days if, and only if, the course stays open."),
            ([("3", "14", ""), ("1.5", "", "")], "Step 2 goes down from 3 mg to 1.5 mg."),
            ([("", "14", "")], "Write the dose of this step, or leave the whole line empty."),
            ([("", "", "")], "There is no step."),
        ],
    )
    def test_steps_that_cannot_be_are_refused_and_kept(
        self, desk: Client, by: Actor, steps: list[tuple[str, str, str]], sentence: str
    ) -> None:
        response = edit(desk, shared(), typed(*steps))
        assert response.status_code == 422
        assert sentence in words_of(response)
        for number, (dose, _, _) in enumerate(steps):
            assert not dose or f'name="step-{number}-dose" value="{dose}"' in response.content.decode()
        assert 'value="ours, slower"' in response.content.decode()
        assert not ProtocolVersion.objects.filter(clinic_id=by.clinic_id).exists()

    def test_a_reason_lets_a_large_step_stand(self, desk: Client, by: Actor) -> None:
        steps = [("1.5", "14", ""), ("6", "", "as the trial did")]
        assert edit(desk, shared(), typed(*steps)).status_code == 302
        assert Protocol.from_json(ProtocolVersion.objects.get(clinic_id=by.clinic_id).body).rungs[1].reason

    def test_above_6_mg_a_reason_is_not_enough(self, desk: Client, by: Actor) -> None:
        steps = [("4.5", "14", ""), ("7.5", "", "as advised")]
        refused = edit(desk, shared(), typed(*steps))
        assert refused.status_code == 422
        sentence = "Confirm once more that 7.5 mg, seven and a half milligrams, is meant"
        assert sentence in words_of(refused)
        assert refused.content.decode().count("<svg xmlns") == 1, "what is to be confirmed is drawn"
        assert sentence not in words_of(edit(desk, shared(), typed(*steps, action="preview")))
        assert edit(desk, shared(), typed(*steps, confirmed="on")).status_code == 302
        assert ProtocolVersion.objects.filter(clinic_id=by.clinic_id).count() == 1

    def test_all_that_is_wrong_is_named_at_the_top_and_leads_to_its_field(self, desk: Client) -> None:
        page = edit(desk, shared(), typed(("450 mcg", "14", ""), ("8", "", ""), code="ours 2w")).content.decode()
        top = page[page.index('role="alert"') :][:2500]
        for field in ("id_code", "id_step-0-dose", "id_step-1-reason"):
            assert f'href="#{field}"' in top
        assert re.search(r'id="id_step-0-dose"[^>]*is-invalid|is-invalid[^>]*id="id_step-0-dose"', page)

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("code", "ours", "up to 40 capital letters"),
            ("code", "STD-2W", "STD-2W is taken already"),
            ("name", "", "Give it a name"),
            ("strengths", "", "no step is kept that cannot be made"),
            ("strengths", "1.5 mcg", "not micrograms"),
            ("strengths", "1,5, 3", ""),
            ("sources", "no colon", "a short key, a colon"),
            ("sources", "", "Name at least one source."),
            ("then", "never", "never"),
            ("words", "", "Say what changed"),
            ("step-TOTAL_FORMS", "99", "at most 40"),
        ],
    )
    def test_other_fields(self, desk: Client, field: str, value: str, sentence: str) -> None:
        response = edit(desk, shared(), typed(**{field: value}))
        assert response.status_code == (302 if not sentence else 409 if "taken" in sentence else 422)
        assert not sentence or sentence in words_of(response)

    def test_looking_writes_nothing_and_draws_the_steps(self, desk: Client, by: Actor) -> None:
        response = edit(desk, shared(), typed(action="preview", words=""))
        assert response.status_code == 200
        drawn = response.content.decode().partition('id="preview"')[2]
        assert drawn.count("<svg xmlns") == 1
        assert "day 36" in drawn
        assert not ProtocolVersion.objects.filter(clinic_id=by.clinic_id).exists()

    def test_a_preview_says_what_is_wrong(self, desk: Client) -> None:
        response = edit(desk, shared(), typed(("1.5", "14", ""), ("4.5", "", ""), action="preview"))
        assert response.status_code == 200
        drawn = response.content.decode().partition('id="preview"')[2]
        assert "Step 2 rises by 3 mg" in unescape(drawn)
        assert "<svg" not in drawn

    def test_more_lines_keep_what_was_typed(self, desk: Client) -> None:
        page = edit(desk, shared(), typed(action="more")).content.decode()
        assert 'name="step-6-dose"' in page
        assert 'name="step-1-dose" value="3,0"' in page
        assert 'value="ours, slower"' in page
        assert "is-invalid" not in page

    def test_of_two_who_write_from_one_version_the_second_looks_again(
        self, desk: Client, by: Actor, own: ProtocolVersion
    ) -> None:
        assert edit(desk, own, typed(seen_version="1")).status_code == 302
        response = edit(desk, own, typed(seen_version="1", name="another"))
        assert response.status_code == 409
        assert "has changed since you opened it" in words_of(response)
        assert 'value="another"' in response.content.decode()

    def test_what_the_form_cannot_hold_is_written_as_text(self, desk: Client) -> None:
        for code in ("PEDS-UK", "PDN-RESP", "CANCER-W"):
            response = desk.get(f"/templates/{shared(code).id}/edit/")
            assert response["Location"] == f"/templates/{shared(code).id}/text/"


class TestAsText:
    def values(self, text: str, **changes: str) -> dict[str, str]:
        return {"text": text, "code": "", "strengths": "0.1", "words": "from a colleague", "action": "save", **changes}

    def test_out_and_in_again(self, desk: Client, clinic: Clinic, own: ProtocolVersion) -> None:
        response = desk.get(f"/templates/{own.id}/file/")
        assert response["Content-Type"] == "application/toml; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="OURS-2W-v1.toml"'
        text = response.content.decode()
        assert from_toml(text) == Protocol.from_json(own.body)
        there = factories.member(factories.clinic("Other Clinic"), name="Test Other")
        other = pages.client_of(there)
        assert other.post("/templates/paste/", self.values(text)).status_code == 302
        made = Protocol.from_json(ProtocolVersion.objects.get(clinic_id=there.clinic_id).body)
        assert (made.id, made.author, made.rungs) == ("OURS-2W", "Test Other", from_toml(text).rungs)

    def test_a_review_does_not_travel(self, desk: Client, by: Actor) -> None:
        text = to_toml(protocol_files.find("STD-2W")).replace('"pending"', '"Dr Nobody, 2020"')
        desk.post("/templates/paste/", self.values(text, code="MY-STD"))
        made = ProtocolVersion.objects.get(clinic_id=by.clinic_id)
        assert not Protocol.from_json(made.body).is_reviewed

    def test_one_by_weight_is_the_clinics_own(self, desk: Client, by: Actor) -> None:
        page = desk.get(f"/templates/{shared('PEDS-UK').id}/text/").content.decode()
        text = unescape(re.search(r"<textarea[^>]*name=\"text\"[^>]*>(.*?)</textarea>", page, re.DOTALL)[1])  # type: ignore[index]
        response = desk.post(f"/templates/{shared('PEDS-UK').id}/text/", self.values(text, code="MY-PEDS"))
        assert response.status_code == 302
        assert Protocol.from_json(ProtocolVersion.objects.get(clinic_id=by.clinic_id).body).needs_weight

    @pytest.mark.parametrize(
        ("text", "changes", "sentence"),
        [
            ("", {}, "Paste the text of the file."),
            ("id = ", {}, "This is no TOML"),
            ("x = 1", {}, "cannot be read"),
            (to_toml(protocol_files.find("STD-2W")), {}, "STD-2W is taken already"),
            (
                to_toml(protocol_files.find("ONE-1W")),
                {"strengths": "1.5", "code": "MY-ONE"},
                "Step 1: 1 mg cannot be made",
            ),
            (to_toml(protocol_files.find("STD-2W")), {"code": "my"}, "up to 40 capital letters"),
        ],
    )
    def test_what_is_refused_is_kept(self, desk: Client, text: str, changes: dict[str, str], sentence: str) -> None:
        response = desk.post("/templates/paste/", self.values(text, **changes))
        assert response.status_code in (409, 422)
        assert sentence in words_of(response)
        assert "from a colleague" in response.content.decode()

    def test_above_6_mg_it_is_confirmed_once_more(self, desk: Client, by: Actor) -> None:
        text = to_toml(protocol_files.find("STD-2W")).replace("4.5", "7.5").replace("STD-2W", "OURS-HIGH")
        text = re.sub(r'(dose_mg = "7.5")', r'\1\nreason = "as advised"', text)
        refused = desk.post("/templates/paste/", self.values(text))
        assert refused.status_code == 422
        assert "Confirm once more that 7.5 mg" in words_of(refused)
        assert desk.post("/templates/paste/", self.values(text, confirmed="on")).status_code == 302

    def test_looking_first(self, desk: Client, by: Actor) -> None:
        text = to_toml(protocol_files.find("PDN-RESP"))
        response = desk.post("/templates/paste/", self.values(text, action="preview", code="MY-PDN", words=""))
        assert response.status_code == 200
        assert "only if pain has fallen by less than 20 %" in words_of(response)
        assert response.content.decode().count("<svg xmlns") == 1
        assert not ProtocolVersion.objects.filter(clinic_id=by.clinic_id).exists()


class TestDeciding:
    def test_a_review_is_signed_and_shown(self, desk: Client, own: ProtocolVersion) -> None:
        assert desk.post(f"/templates/{own.id}/review/", {"words": ""}).status_code == 422
        assert desk.post(f"/templates/{own.id}/review/", {"words": "steps and source"}).status_code == 302
        words = words_of(desk.get(f"/templates/{own.id}/"))
        assert "reviewed by Test Prescriber" in words
        assert "Reviewed: version 1, Test Prescriber" in words
        assert "“steps and source”" in words
        again = desk.post(f"/templates/{own.id}/review/", {"words": "again"})
        assert again.status_code == 409
        assert "signed a review of this version already" in words_of(again)

    def test_out_of_use_and_offered_again(self, desk: Client, by: Actor, patient_page: Patient) -> None:
        version = shared("STD-4W")
        assert desk.post(f"/templates/{version.id}/withdraw/", {"words": "not here"}).status_code == 302
        assert "STD-4W" not in words_of(desk.get(f"/patients/{patient_page.id}/prescribe/"))
        assert "out of use" in words_of(desk.get(f"/templates/{version.id}/"))
        assert desk.post(f"/templates/{version.id}/offer/", {"words": ""}).status_code == 302
        assert "STD-4W" in words_of(desk.get(f"/patients/{patient_page.id}/prescribe/"))

    @pytest.fixture
    def patient_page(self, clinic: Clinic) -> Patient:
        return factories.patient(clinic)

    def test_a_review_asks_who_it_is(self, by: Actor, own: ProtocolVersion) -> None:
        stale = pages.client_of(by, stepped_up=False)
        assert stale.post(f"/templates/{own.id}/review/", {"words": "read"}).status_code == 302
        assert not ProtocolDecision.objects.filter(kind="reviewed", clinic_id=by.clinic_id).exists()
