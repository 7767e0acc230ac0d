"""Telling a night: what is kept, what is refused with its sentence, and that nothing typed is lost."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from common.dose import Dose
from common.night import Slot
from patients.models import Patient
from patients.selectors import visible_to
from symptoms.models import DoseTaken, OpioidReport, SymptomLog
from tests import factories, memory
from tests.phones import EVENING, MORNING, NIGHT, address, answers, phone_of
from titration.engine import gate
from titration.selectors import courses

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    made = factories.patient(factories.clinic())
    factories.prescription(made)
    return made


@pytest.fixture
def phone(patient: Patient) -> Client:
    return phone_of(patient)


@pytest.fixture
def morning() -> object:
    with time_machine.travel(MORNING, tick=False):
        yield


def post(phone: Client, night: date = NIGHT, **typed: object) -> object:
    return phone.post(address(night), answers(**typed))


def text(response: object) -> str:
    return response.content.decode()


@pytest.mark.usefixtures("morning")
class TestSaving:
    def test_every_answer_is_kept_in_its_own_column(self, phone: Client, patient: Patient) -> None:
        response = post(phone, taken_at="22:10", side_headache="mild", side_rash="severe", note="Slept\r\nlate.")
        assert response.status_code == 302
        assert response["Location"] == "/p/"
        log = SymptomLog.objects.get(patient=patient, night=NIGHT)
        assert (log.sleep_hours, log.latency_min, log.awake_min, log.awakenings) == (Decimal("6.5"), 20, 15, 2)
        assert (log.quality, log.dream_vividness, log.dream_distress) == (3, 1, 2)
        assert (log.pain, log.fatigue, log.lead_symptom) == (4, 5, 6)
        assert log.side_effects == {"headache": "mild", "rash": "severe"}
        assert (log.other_medicines_answer, log.note, log.version) == ("no", "Slept\nlate.", 1)
        dose = DoseTaken.objects.get(patient=patient, plan_date=NIGHT)
        assert (dose.taken, dose.taken_mg, dose.slot) == ("taken", Dose.of("1.5"), Slot.BEDTIME)
        assert dose.taken_at == datetime(2026, 3, 2, 22, 10, tzinfo=UTC)

    def test_the_next_page_says_saved_and_counts_the_week(self, phone: Client) -> None:
        page = phone.post(address(), answers(), follow=True)
        assert "Saved. 1 of the last 7 nights is told." in text(page)

    def test_no_answer_is_no_zero(self, phone: Client, patient: Patient) -> None:
        assert phone.post(address(), {"seen_version": "0", "fatigue": "0"}).status_code == 302
        log = SymptomLog.objects.get(patient=patient)
        for column in ("sleep_hours", "latency_min", "awakenings", "quality", "dream_vividness", "pain"):
            assert getattr(log, column) is None, column
        assert log.fatigue == 0
        assert not DoseTaken.objects.exists()

    @pytest.mark.parametrize("typed", [{}, {"seen_version": "0"}, {"seen_version": "0", "note": "  "}])
    def test_nothing_answered_is_no_night(self, phone: Client, typed: dict[str, str]) -> None:
        response = phone.post(address(), typed)
        assert response.status_code == 422
        assert "Nothing is answered yet" in text(response)
        assert not SymptomLog.objects.exists()

    def test_a_double_submit_makes_no_second_row_and_no_second_version(self, phone: Client, patient: Patient) -> None:
        assert post(phone).status_code == 302
        assert post(phone).status_code == 302
        assert SymptomLog.objects.get(patient=patient).version == 1
        assert DoseTaken.objects.filter(patient=patient).count() == 1
        assert len(memory.events(action="night.save")) == 1

    def test_a_correction_keeps_what_was_saved_before(self, phone: Client, patient: Patient) -> None:
        post(phone, sleep_hours="6")
        assert post(phone, sleep_hours="7", seen_version="1").status_code == 302
        page = text(phone.get(address()))
        assert "Saved 07:30 today, version 2." in page
        assert "slept 6 hours" in page
        assert "slept 7 hours" in page
        assert 'value="7"' in page

    def test_a_version_saved_elsewhere_is_not_written_over(self, phone: Client, patient: Patient) -> None:
        post(phone, pain="8")
        response = post(phone, pain="2", note="from the other phone")
        assert response.status_code == 409
        page = text(response)
        assert "changed from another page" in page
        assert "from the other phone" in page
        assert "pain 8 of 10" in page
        assert '<input type="hidden" name="seen_version" value="1">' in page
        assert SymptomLog.objects.get(patient=patient).pain == 8
        assert post(phone, pain="2", seen_version="1").status_code == 302

    def test_a_refusal_does_not_let_a_stale_page_through_later(self, phone: Client, patient: Patient) -> None:
        post(phone, pain="8")
        refused = post(phone, sleep_hours="many")
        assert '<input type="hidden" name="seen_version" value="0">' in text(refused)

    def test_reading_and_saving_leave_their_trace(self, phone: Client, patient: Patient) -> None:
        phone.get(address())
        post(phone)
        for action in ("portal.night", "night.save"):
            assert memory.events(action=action, patient_ids=[patient.id]), action

    def test_another_amount_is_kept_apart_from_the_plan(self, phone: Client, patient: Patient) -> None:
        post(phone, other_mg=",75")
        assert DoseTaken.objects.get(patient=patient).taken_mg == Dose.of("0.75")

    def test_a_skipped_dose_says_why_and_has_no_amount(self, phone: Client, patient: Patient) -> None:
        post(phone)
        post(phone, taken="skipped", skipped_because="dreams", seen_version="1")
        dose = DoseTaken.objects.get(patient=patient)
        assert (dose.taken, dose.skipped_because, dose.taken_mg, dose.taken_at) == ("skipped", "dreams", None, None)

    def test_a_time_saved_with_a_dose_that_was_then_skipped_is_no_fault(self, phone: Client, patient: Patient) -> None:
        post(phone, taken_at="22:10")
        response = post(phone, taken="skipped", skipped_because="forgot", taken_at="22:10", seen_version="1")
        assert response.status_code == 302
        assert DoseTaken.objects.get(patient=patient).taken_at is None

    @pytest.mark.parametrize(("typed", "hours"), [("6.5", "6.5"), ("6,5", "6.5"), ("6:30", "6.5"), ("7", "7")])
    def test_hours_are_read_as_people_write_them(self, phone: Client, typed: str, hours: str) -> None:
        assert post(phone, sleep_hours=typed).status_code == 302
        assert SymptomLog.objects.get().sleep_hours == Decimal(hours)


REFUSED = [
    ("sleep_hours", "many", "like 6.5 or 6:30"),
    ("sleep_hours", "24.5", "at most 24 hours"),
    ("sleep_hours", "-3", "like 6.5 or 6:30"),
    ("latency_min", "a while", "Write a whole number"),
    ("latency_min", "-1", "cannot be less than 0"),
    ("awake_min", "1441", "1,440 minutes"),
    ("awakenings", "101", "Up to 100"),
    ("taken_at", "25:00", "like 22:15"),
    ("taken_at", "07:31", "has not come yet"),
    ("other_mg", "450", "not low-dose nalTREXone"),
    ("other_mg", "1500 mcg", "milligrams, not micrograms"),
    ("other_mg", "some", "not a dose in milligrams"),
    ("pain", "11", "Select a valid choice"),
    ("side_headache", "awful", "Select a valid choice"),
]


@pytest.mark.usefixtures("morning")
class TestRefusals:
    @pytest.mark.parametrize(("field", "typed", "sentence"), REFUSED)
    def test_it_says_what_is_wrong_beside_the_field_and_saves_nothing(
        self, phone: Client, field: str, typed: str, sentence: str
    ) -> None:
        response = post(phone, **{field: typed}, note="kept all the same")
        page = text(response)
        assert response.status_code == 422
        assert sentence in page.split(f'id="id_{field}', 1)[1]
        assert "kept all the same" in page
        assert "Nothing you typed is lost" in page
        assert not SymptomLog.objects.exists()

    @pytest.mark.parametrize("typed", ["many", "24.5"])
    def test_what_cannot_be_read_is_given_back_as_typed(self, phone: Client, typed: str) -> None:
        assert f'value="{typed}"' in text(post(phone, sleep_hours=typed))

    @pytest.mark.parametrize("hours", ["0", "0.5", "14.5"])
    def test_unusual_hours_ask_for_a_second_look(self, phone: Client, hours: str) -> None:
        response = post(phone, sleep_hours=hours, latency_min="", awake_min="")
        assert response.status_code == 422
        assert f"{hours} hours is unusual" in text(response)
        assert 'name="sleep_sure"' in text(response)
        sure = post(phone, sleep_hours=hours, latency_min="", awake_min="", sleep_sure="on")
        assert sure.status_code == 302
        again = post(phone, sleep_hours=hours, latency_min="", awake_min="", seen_version="1", pain="1")
        assert again.status_code == 302, "asked once, not at every correction"

    def test_the_tick_is_not_there_without_need(self, phone: Client) -> None:
        assert "sleep_sure" not in text(phone.get(address()))

    def test_sleep_and_waking_cannot_be_longer_than_the_night(self, phone: Client) -> None:
        response = post(phone, sleep_hours="13", latency_min="600", awake_min="61")
        assert "longer than the night" in text(response)
        assert post(phone, sleep_hours="13", latency_min="600", awake_min="60").status_code == 302

    def test_a_skipped_dose_needs_its_reason(self, phone: Client) -> None:
        assert "Choose what comes closest" in text(post(phone, taken="skipped"))

    @pytest.mark.parametrize("answer", ["no", ""])
    def test_a_dose_left_out_for_a_painkiller_asks_for_the_painkiller(self, phone: Client, answer: str) -> None:
        said = {"taken": "skipped", "skipped_because": "opioid"}
        response = post(phone, **said, other_medicines_answer=answer)
        assert response.status_code == 422
        assert "Choose “Yes” if you took it, or “I am not sure” if you may need it" in text(response)
        assert not SymptomLog.objects.exists()
        assert post(phone, **said, other_medicines_answer="unsure").status_code == 302
        assert OpioidReport.objects.get().answer == "unsure"

    def test_a_reason_that_was_chosen_before_the_dose_was_taken_after_all_asks_nothing(self, phone: Client) -> None:
        assert post(phone, taken="taken", skipped_because="opioid").status_code == 302

    def test_an_amount_without_a_dose_is_asked_about(self, phone: Client) -> None:
        response = post(phone, taken="skipped", skipped_because="forgot", other_mg="3")
        assert response.status_code == 422
        assert "Choose “Taken”" in text(response)

    def test_a_dose_the_plan_does_not_have_needs_its_amount(self) -> None:
        stranger = factories.patient(factories.clinic("Other Clinic"))
        phone = phone_of(stranger)
        assert "Your plan has no dose for this night. Write" in text(post(phone))
        assert post(phone, other_mg="3").status_code == 302

    def test_a_note_of_ten_thousand_characters_gets_a_sentence_and_is_kept(self, phone: Client) -> None:
        note = "words " * 1667
        response = post(phone, note=note[:10_000])
        assert response.status_code == 422
        assert "characters long and 4,000 fit" in text(response)
        assert note[:9_990] in text(response)
        assert not SymptomLog.objects.exists()

    def test_a_note_is_not_cut_by_the_browser(self, phone: Client) -> None:
        assert "maxlength" not in text(phone.get(address()))

    def test_pasted_script_is_shown_as_the_words_it_is(self, phone: Client) -> None:
        script = "<script>alert(1)</script>"
        post(phone, note=script, other_medicines=script, other_medicines_answer="unsure")
        page = text(phone.get(address()))
        assert script not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page

    def test_a_medicine_with_the_answer_no_is_asked_about(self, phone: Client) -> None:
        response = post(phone, other_medicines="codeine")
        assert response.status_code == 422
        assert "Is the answer yes" in text(response)
        assert not OpioidReport.objects.exists()

    @pytest.mark.parametrize("nights", [-1, 7])
    def test_nights_to_come_and_nights_long_past_are_not_found(self, phone: Client, nights: int) -> None:
        other = NIGHT - timedelta(days=nights)
        assert phone.get(address(other)).status_code == 404
        assert post(phone, other).status_code == 404
        assert not SymptomLog.objects.exists()

    def test_the_oldest_of_seven_nights_can_be_told(self, phone: Client) -> None:
        assert post(phone, NIGHT - timedelta(days=6), other_mg="1.5").status_code == 302

    @pytest.mark.parametrize("path", ["/p/night/2026-02-30/", "/p/night/2026-3-2/", "/p/night/now/"])
    def test_a_date_that_is_none_is_not_found(self, phone: Client, path: str) -> None:
        assert phone.get(path).status_code == 404

    def test_another_patients_phone_reaches_only_its_own_nights(self, phone: Client, patient: Patient) -> None:
        post(phone, note="a secret of the first patient")
        other = factories.patient(patient.clinic, name="Other Patient")
        their_phone = phone_of(other)
        assert "a secret" not in text(their_phone.get(address()))
        post(their_phone, other_mg="1.5", note="the second patient's")
        assert SymptomLog.objects.get(patient=patient).note == "a secret of the first patient"
        assert SymptomLog.objects.get(patient=other).note == "the second patient's"


@pytest.mark.usefixtures("morning")
class TestOpioidQuestion:
    @pytest.mark.parametrize("answer", ["yes", "unsure"])
    def test_it_closes_the_gate_pins_the_report_and_tells_the_patient(
        self, phone: Client, patient: Patient, answer: str
    ) -> None:
        page = phone.post(address(), answers(other_medicines_answer=answer, other_medicines="cough syrup"), follow=True)
        assert "Take no further dose until your clinic has answered" in text(page)
        assert "000 000 0000" in text(page)
        assert "Call your emergency number" in text(page)
        assert "1.5 mg, for Monday 2 March" in text(page), "the last dose told stands beside it"
        assert "capsule of" not in text(page)
        colleague = factories.member(patient.clinic)
        assert [report.words for report in courses.open_reports(colleague)] == ["cough syrup"]
        verdict = courses.gate_of(courses.open_prescription(patient), at=MORNING)
        assert isinstance(verdict, gate.Blocked)
        assert gate.Code.OPIOID_REPORTED in {why.code for why in verdict.reasons}

    @pytest.mark.parametrize("words", ["codeine", "Lomotil", "percoset 5/325", "kratom", "a red pill", "ten Imodium"])
    def test_an_opioid_and_the_unknown_trip(self, phone: Client, words: str) -> None:
        post(phone, other_medicines_answer="yes", other_medicines=words)
        assert [report.words for report in OpioidReport.objects.all()] == [words]

    @pytest.mark.parametrize("words", ["Imodium", "Robitussin DM", "ibuprofen 400 mg twice", "Tylenol and vitamin C"])
    def test_what_only_asks_for_care_or_is_no_opioid_passes(self, phone: Client, patient: Patient, words: str) -> None:
        page = phone.post(address(), answers(other_medicines_answer="yes", other_medicines=words), follow=True)
        assert "Take no further dose" not in text(page)
        assert not OpioidReport.objects.exists()
        log = SymptomLog.objects.get()
        assert (log.other_medicines_answer, log.other_medicines) == ("yes", words)
        assert not courses.opioid_report_open([patient.id])

    def test_who_is_not_sure_trips_whatever_they_name(self, phone: Client) -> None:
        post(phone, other_medicines_answer="unsure", other_medicines="ibuprofen")
        assert OpioidReport.objects.count() == 1

    def test_naming_an_opioid_later_trips_then(self, phone: Client) -> None:
        post(phone, other_medicines_answer="yes", other_medicines="ibuprofen")
        post(phone, other_medicines_answer="yes", other_medicines="ibuprofen and codeine", seen_version="1")
        assert [report.words for report in OpioidReport.objects.all()] == ["ibuprofen and codeine"]

    def test_yes_needs_no_name_of_the_medicine(self, phone: Client) -> None:
        assert post(phone, other_medicines_answer="yes").status_code == 302
        assert OpioidReport.objects.count() == 1

    def test_the_words_stand_even_beside_answers_that_were_refused(self, phone: Client) -> None:
        response = post(phone, other_medicines_answer="yes", sleep_hours="many")
        assert response.status_code == 422
        assert "Take no further dose" in text(response)

    def test_the_form_names_no_dose_while_the_report_is_open(self, phone: Client) -> None:
        assert "By your plan" in text(phone.get(address()))
        post(phone, other_medicines_answer="yes")
        page = text(phone.get(address()))
        assert "By your plan" not in page
        assert "Tell us only what you have already taken" in page

    def test_correcting_the_night_does_not_take_it_back(self, phone: Client, patient: Patient) -> None:
        post(phone, other_medicines_answer="yes")
        post(phone, other_medicines_answer="no", seen_version="1")
        assert "Take no further dose" in text(phone.get("/p/"))
        assert courses.opioid_report_open([patient.id])

    def test_the_words_say_that_nobody_has_reviewed_them(self, phone: Client) -> None:
        post(phone, other_medicines_answer="yes")
        assert "wait for a clinician’s review" in text(phone.get("/p/"))

    def test_no_says_nothing(self, phone: Client) -> None:
        page = phone.post(address(), answers(), follow=True)
        assert "Take no further dose" not in text(page)


class TestClock:
    """A time belongs to the night, by the patient's clock."""

    def night_with(self, zone: str, night: date, clock: str, at: datetime, slot: Slot = Slot.BEDTIME) -> DoseTaken:
        patient = factories.patient(factories.clinic(), zone_name=zone)
        signed = datetime(night.year, night.month, night.day, 10, tzinfo=UTC) - timedelta(days=3)
        factories.prescription(patient, at=signed, slot=slot)
        with time_machine.travel(at, tick=False):
            response = post(phone_of(patient, signed), night, taken_at=clock)
            assert response.status_code == 302, text(response)
        return DoseTaken.objects.get(patient=patient)

    def test_after_midnight_is_still_the_evening_before(self) -> None:
        dose = self.night_with("Europe/London", NIGHT, "00:30", MORNING)
        assert (dose.plan_date, dose.taken_at) == (NIGHT, datetime(2026, 3, 3, 0, 30, tzinfo=UTC))

    def test_a_morning_dose_is_of_its_own_date(self) -> None:
        dose = self.night_with("Europe/London", NIGHT, "08:00", MORNING, Slot.MORNING)
        assert (dose.plan_date, dose.taken_at) == (NIGHT, datetime(2026, 3, 2, 8, tzinfo=UTC))

    def test_a_morning_dose_can_be_told_in_its_own_morning(self) -> None:
        today = MORNING.date()
        dose = self.night_with("Europe/London", today, "07:15", MORNING, Slot.MORNING)
        assert (dose.plan_date, dose.taken_at) == (today, datetime(2026, 3, 3, 7, 15, tzinfo=UTC))

    def test_the_hour_that_clocks_skip_is_moved_on(self) -> None:
        # London, 29 March 2026: 01:00 becomes 02:00.
        dose = self.night_with("Europe/London", date(2026, 3, 28), "01:30", datetime(2026, 3, 29, 8, tzinfo=UTC))
        assert dose.taken_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

    def test_the_hour_that_is_shown_twice_is_the_first(self) -> None:
        # London, 25 October 2026: 02:00 becomes 01:00.
        dose = self.night_with("Europe/London", date(2026, 10, 24), "01:30", datetime(2026, 10, 25, 8, tzinfo=UTC))
        assert dose.taken_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("night", "fits", "too_long"),
        [(date(2026, 3, 28), "60", "61"), (date(2026, 10, 24), "180", "181")],
        ids=["23 hours", "25 hours"],
    )
    def test_a_night_is_as_long_as_the_clocks_make_it(self, night: date, fits: str, too_long: str) -> None:
        patient = factories.patient(factories.clinic())
        noon = datetime(night.year, night.month, night.day, 10, tzinfo=UTC) + timedelta(days=1)
        phone = phone_of(patient, noon)
        with time_machine.travel(noon, tick=False):
            sleep = {"taken": "", "sleep_hours": "12", "latency_min": "600"}
            assert "longer than the night" in text(post(phone, night, **sleep, awake_min=too_long))
            assert post(phone, night, **sleep, awake_min=fits).status_code == 302

    def test_the_clock_is_the_patients_and_not_the_servers(self) -> None:
        # 22:10 in Auckland is 09:10 UTC of the same day; at 20:00 UTC it is already the next morning there.
        dose = self.night_with("Pacific/Auckland", NIGHT, "22:10", datetime(2026, 3, 2, 20, tzinfo=UTC))
        assert dose.taken_at == datetime(2026, 3, 2, 9, 10, tzinfo=UTC)

    def test_a_time_to_come_is_refused_in_the_evening(self) -> None:
        patient = factories.patient(factories.clinic())
        factories.prescription(patient)
        with time_machine.travel(EVENING, tick=False):
            assert "has not come yet" in text(post(phone_of(patient), taken_at="22:10"))


def test_the_form_shows_the_lead_symptom_of_the_patients_condition() -> None:
    patient = factories.patient(factories.clinic())
    patient.conditions.create(clinic=patient.clinic, position=0, code="psoriasis")
    with time_machine.travel(MORNING, tick=False):
        page = text(phone_of(patient).get(address()))
    assert "Worst itch" in page
    assert visible_to(factories.patient_actor(patient)).count() == 1


def test_what_the_button_said_is_chosen_already(patient: Patient, phone: Client) -> None:
    with time_machine.travel(EVENING, tick=False):
        page = text(phone.get(f"{address()}?dose=taken"))
    checked = page.split('value="taken"', 1)[1].split(">", 1)[0]
    assert "checked" in checked
