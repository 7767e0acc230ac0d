"""Rows for tests: visibly made up, sensible by default, every field open to be said."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from accounts.actors import Actor, Kind
from accounts.models import Clinic, Membership, User
from common.dose import Dose
from common.night import Slot
from patients import screening, secrets, selectors_consent, selectors_screening
from patients import services as patients_services
from patients.models import CareGrant, ContactPreference, Patient, Phone, Screening, ScreeningDecision
from patients.services import consenting
from reminders.models import Attempt, Occurrence, Reminder
from reminders.states import State
from symptoms import services as symptoms_services
from symptoms.models import SymptomLog
from symptoms.services import DoseAnswer, NightAnswer
from titration import protocol_files
from titration.engine import timeline
from titration.engine.advice.finding import Tier
from titration.engine.formulation import Form, Formulation, Unit
from titration.models import DoseClarified, Fill, Finding, Pharmacy, Prescription, PrescriptionPaper, ProtocolVersion
from titration.selectors import courses as courses_selectors
from titration.selectors import weighing
from titration.services import courses, library, papers, protocols, reported, supply

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def clinic(name: str = "Test Clinic", zone_name: str = "Europe/London", **more: Any) -> Clinic:
    values = {"phone": "000 000 0000", "after_hours_words": "We read messages on weekdays.", **more}
    return Clinic.objects.create(name=name, zone_name=zone_name, **values)


def member(clinic: Clinic, role: str = Membership.Role.PRESCRIBER, name: str = "Test Member") -> Actor:
    """A new person with this role in the clinic, as the actor of deeds."""
    user = User.objects.create_user(f"{uuid.uuid4()}@test.invalid", name=name)
    Membership.objects.create(user=user, clinic=clinic, role=role)
    return Actor(kind=Kind.MEMBER, clinic_id=clinic.id, label=name, user_id=user.id, role=role)


def patient(clinic: Clinic, name: str = "Test Patient", *, screened: bool = True, **more: Any) -> Patient:
    """A registered patient with a contact preference and, unless told otherwise, a screening in which nothing stood."""
    registered_by = more.pop("registered_by_id", None) or member(clinic).user_id
    values = {
        "birth_date": date(1980, 1, 1),
        "record_number": uuid.uuid4().hex[:12],
        "email": "patient@test.invalid",
        "zone_name": clinic.zone_name,
        "registered_at": AT,
        **more,
    }
    made = Patient.objects.create(
        clinic=clinic, name=name, sort_key=patients_services.sort_key(name), registered_by_id=registered_by, **values
    )
    ContactPreference.objects.create(clinic=clinic, patient=made, log_reminder_at=time(9, 0))
    if screened:
        confirmed_screening(made, by_id=registered_by)
    return made


def screening_answers(patient: Patient, at: datetime = AT, **answers: str) -> dict[str, str]:
    """Every question that matters for this patient answered with no, a guardian's agreement with yes, and `answers`."""
    form, about = screening.form(), selectors_screening.about(patient, at=at)
    given = {"guardian_agrees": "yes", **answers} if form.is_child(about) else answers
    for _ in range(2):  # what follows an answer is asked in the second round
        given = {**{item.code: "no" for item in screening.asked(form, given, about) if not item.is_number}, **given}
    return given


def confirmed_screening(patient: Patient, *, by_id: uuid.UUID, at: datetime = AT, **answers: str) -> Screening:
    """A confirmed screening as the deed leaves it, without the deed; for a child with the reason it asks for."""
    about = selectors_screening.about(patient, at=at)
    made = Screening.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        number=patient.screenings.count() + 1,
        state=Screening.State.CONFIRMED,
        answers=screening_answers(patient, at, **answers),
        about={"age": about.age, "conditions": sorted(about.conditions)},
        text_version=screening.form().version,
        answered_by=Screening.From.CLINICIAN,
        at=at,
        by_id=by_id,
        by_label="Test Member",
    )
    if screening.form().is_child(about):
        ScreeningDecision.objects.create(
            clinic_id=patient.clinic_id,
            patient=patient,
            screening=made,
            code="guardian_agrees",
            kind=ScreeningDecision.Kind.REASON,
            words="Agreed with the guardian",
            at=at,
            by_id=by_id,
            by_label="Test Member",
        )
    return made


def phone(patient: Patient, at: datetime = AT, **more: Any) -> tuple[Phone, str]:
    """A remembered phone of this patient and the secret in its cookie."""
    secret = secrets.new_token()
    values = {"let_in_at": at, "expires_at": at + secrets.PHONE_LASTS, **more}
    made = Phone.objects.create(
        clinic_id=patient.clinic_id, patient=patient, secret_digest=secrets.digest(secret), **values
    )
    return made, secret


def carer(
    patient: Patient, rights: str = CareGrant.Rights.LOG, *, at: datetime = AT, name: str = "Test Helper", **more: Any
) -> tuple[CareGrant, str]:
    """An opened grant for a new carer, of thirty days, and the secret in the carer's phone's cookie."""
    user = User.objects.create_user(f"carer-{uuid.uuid4()}", name="a helper")
    from_on = at.astimezone(patient.zone).date()
    email = more.pop("email", f"{uuid.uuid4().hex}@test.invalid")
    values = {"from_on": from_on, "expires_on": from_on + timedelta(days=30), "opened_at": at, "user": user, **more}
    grant = CareGrant.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        name=name,
        email=email,
        relation="parent",
        rights=rights,
        granted_by=CareGrant.GrantedBy.CLINIC,
        granted_at=at,
        token_digest=secrets.digest(secrets.new_token()),
        code_digest="",
        invitation_expires_at=at + secrets.CARE_INVITATION_LASTS,
        **values,
    )
    return grant, carers_phone(grant.user, at)[1]


def carers_phone(user: User, at: datetime = AT, **more: Any) -> tuple[Phone, str]:
    """A remembered phone of this carer and the secret in its cookie."""
    secret = secrets.new_token()
    values = {"let_in_at": at, "expires_at": at + secrets.PHONE_LASTS, **more}
    return Phone.objects.create(carer=user, secret_digest=secrets.digest(secret), **values), secret


def patient_actor(patient: Patient) -> Actor:
    """The patient as the actor of their own deeds."""
    return Actor(
        kind=Kind.PATIENT, clinic_id=patient.clinic_id, label="the patient", role="patient", patient_id=patient.id
    )


def protocol_version(code: str = "STD-2W") -> ProtocolVersion:
    """A shipped protocol as a row."""
    protocols.load_shipped(at=AT)
    return ProtocolVersion.objects.get(code=code)


def own_template(by: Actor, *, code: str = "OURS-2W", at: datetime = AT, **more: Any) -> ProtocolVersion:
    """A template of the clinic's own, like STD-2W but for `more`."""
    protocol = replace(protocol_files.find("STD-2W"), id=code, name=f"ours, every 2 weeks, {code.lower()}", **more)
    deed = {"seen_version": 0, "strengths": [Dose.of("1.5")], "words": "as we do it", "confirmed": True}
    return library.save(protocol=protocol, by=by, at=at, **deed)


def prescription(patient: Patient, *, by: Actor | None = None, at: datetime = AT, **more: Any) -> Prescription:
    """A signed course, made by the deed itself: STD-2W of 1.5 mg capsules at bedtime, from the day of signing."""
    values = {
        "protocol_version": more.pop("protocol_version", None) or protocol_version(more.pop("code", "STD-2W")),
        "start_on": at.date(),
        "slot": Slot.BEDTIME,
        "capsule_strength": Dose.of("1.5"),
        "mode": Prescription.Mode.CONFIRMED,
        "opioid_answer": "no",
        **more,
    }
    by = by or member(patient.clinic)
    return courses.prescribe(patient=patient, by=by, at=at, **values)


def told_night(patient: Patient, night: date, *, dose_mg: str | None = "1.5", **answers: Any) -> SymptomLog:
    """A night told by the patient the morning after, with enough answered to count as evidence."""
    values = {"sleep_hours": Decimal("7"), "lead_symptom": 4, "pain": 4, "other_medicines_answer": "no", **answers}
    taken = DoseAnswer(
        taken="taken" if dose_mg else "skipped",
        slot=Slot.BEDTIME,
        taken_mg=Dose.of(dose_mg) if dose_mg else None,
        skipped_because="" if dose_mg else "forgot",
    )
    return symptoms_services.save_night(
        patient=patient,
        night=night,
        dose=taken,
        answers=NightAnswer(**values),
        seen_version=0,
        by=patient_actor(patient),
        at=datetime(night.year, night.month, night.day, 8, tzinfo=UTC) + timedelta(days=1),
    )


def clarify(prescription: Prescription, words: str = "Asked.", *, by: Actor, at: datetime) -> DoseClarified:
    """What was really taken, found out by somebody who has just looked."""
    course = Prescription.objects.select_related("patient").get(id=prescription.id)
    in_force = timeline.unfold(courses_selectors.course_of(course))
    asked = weighing.asked_of(course, in_force, today=courses_selectors.patient_today(course, at=at))
    return reported.clarify(prescription_id=course.id, words=words, seen=asked.fingerprint, by=by, at=at)


def finding(patient: Patient, sentence: str = "The nights are bad.", *, at: datetime = AT, **more: Any) -> Finding:
    """A finding on record that no rule stands behind: the next judging would let it expire."""
    tier = Tier(more.pop("tier", Tier.HOLD))
    values = {
        "rule": "R05",
        "rule_version": 1,
        "part": "expected",
        "key": f"R05:expected:{uuid.uuid4()}",
        "day": at.date(),
        "data_sealed": "{}",
        "blocks": ["step"],
        "raised_at": at,
        **more,
    }
    made: Finding = Finding.objects.create(
        clinic_id=patient.clinic_id, patient=patient, sentence=sentence, tier=tier.value, place=tier.place, **values
    )
    return made


def pharmacy(clinic: Clinic, name: str = "Test Pharmacy", **more: Any) -> Pharmacy:
    return Pharmacy.objects.get_or_create(clinic=clinic, name=name, defaults=more)[0]


def fill(
    patient: Patient,
    units: int | str = 42,
    *,
    by: Actor,
    at: datetime = AT,
    on: date | None = None,
    strength: str = "1.5",
    **more: Any,
) -> Fill:
    """Capsules that this patient was given by the clinic's pharmacy, recorded as the desk does."""
    dispensed = supply.Dispensed(
        on=on or at.astimezone(patient.zone).date(),
        unit=Unit(Form.CAPSULES, Dose.of(strength)),
        units=Decimal(units),
        pharmacy=pharmacy(patient.clinic),
        **more,
    )
    return supply.record_fill(patient=patient, dispensed=dispensed, by=by, at=at)


def paper(prescription: Prescription, *, by: Actor, at: datetime = AT, **more: Any) -> PrescriptionPaper:
    """A drafted prescription for 42 days of 1.5 mg capsules."""
    values = {
        "formulation": Formulation.capsules(Dose.of("1.5")),
        "nights": 42,
        "refills": 0,
        "pharmacy": None,
        "address": "1 Test Road",
        "allergies": "None known",
        "indication": "Crohn's disease",
        **more,
    }
    return papers.draft(prescription=prescription, asked=papers.Asked(**values), by=by, at=at)


def consented(patient: Patient, *, by: Actor, at: datetime) -> None:
    """The patient's consent of that day, on paper."""
    standing = selectors_consent.consent_of(patient, at=at)
    consenting.record_paper(
        patient=patient,
        typed_name="Test Patient",
        signed_on=at.date(),
        seen_sha256=consenting.shown_to(patient, standing).sha256,
        by=by,
        at=at,
    )


def troubled_reminder(patient: Patient, *, at: datetime, state: str = State.UNCERTAIN) -> Reminder:
    """A mail about last night that failed, or of which nobody knows whether it arrived."""
    prescription = Prescription.objects.get(patient=patient)
    occurrence = Occurrence.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        prescription=prescription,
        kind=Occurrence.Kind.NIGHT_LOG,
        about_on=at.date() - timedelta(days=1),
        local_time=time(9),
        zone_name=patient.zone_name,
        due_at=at,
        expires_at=at + timedelta(hours=6),
    )
    reminder = Reminder.objects.create(
        clinic_id=patient.clinic_id,
        occurrence=occurrence,
        state=state,
        next_at=at,
        not_after=at + timedelta(hours=6),
        done_at=at if state == State.FAILED else None,
    )
    Attempt.objects.create(clinic_id=patient.clinic_id, reminder=reminder, number=1, outcome=state, at=at)
    return reminder
