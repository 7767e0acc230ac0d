"""Two clinics with everything in them, and everybody who might knock.

Whatever a person could know of a patient carries that patient's canary, so that one word in an answer tells whom it
speaks of.
"""

import re
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import SimpleCookie
from django.test import Client

from accounts import policy
from accounts.actors import Actor
from accounts.models import Clinic, Cover, MemberInvitation, Membership, User
from accounts.services import members
from exports import services as exports_services
from imports import grid
from imports import services as imports_services
from imports.models import Import
from patients import services as patients_services
from patients.models import (
    CareGrant,
    EmergencyAccess,
    EmergencyCard,
    LabResult,
    Medicine,
    Patient,
    PatientCondition,
    Phone,
)
from patients.services.labs import LabValue, record_labs
from reminders.models import Occurrence, Reminder, UrgentItem
from reminders.states import State
from symptoms.models import OpioidReport
from tests import factories, pages
from titration.models import Fill, Finding, Prescription, PrescriptionPaper, Procedure, ProtocolVersion

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
PASSING = re.compile(
    r'name="(?:csrfmiddlewaretoken|request_key)" value="[^"]*"'
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
"""What differs between two answers that say the same."""


@dataclass
class Case:
    """A patient with a course, told nights, an opioid report, a procedure ahead, a laboratory value, a phone, an open
    invitation, a reminder and an export; a helper who may log, and one whose time is over; an emergency in which the
    record was once opened; a table of a newcomer that waits in their clinic, and a template of the clinic's own.
    """

    canary: str
    patient: Patient
    prescription: Prescription
    report: OpioidReport
    phone: Phone
    phone_secret: str
    invitation_token: str
    reminder: Reminder
    grant: CareGrant
    care_invitation_token: str
    card: EmergencyCard
    card_token: str
    cover: Cover
    urgent: UrgentItem
    emergency: EmergencyAccess
    membership: Membership
    member_invitation: MemberInvitation
    member_token: str
    imported: Import
    fill: Fill
    finding: Finding
    medicine: Medicine
    paper: PrescriptionPaper
    procedure: Procedure
    lab: LabResult
    template: ProtocolVersion
    exports: dict[str, uuid.UUID] = field(default_factory=dict)


@dataclass
class Persona:
    """Somebody who knocks: the clinic they belong to and their role there, or whose patient's pages open to them.

    A member whose account or place has ended has no role any more; `signed_in` says whether the session still counts.
    `carer` is set for who comes to a patient's pages by a grant: "log", "view", or "over" for one that has ended.
    """

    name: str
    clinic: str = ""
    role: str = ""
    patient: str = ""
    carer: str = ""
    signed_in: bool = False
    cookies: dict[str, str] = field(default_factory=dict)

    def client(self) -> Client:
        """A fresh browser with this person's cookies: what one knock leaves behind does not reach the next."""
        client = pages.new_client()
        client.raise_request_exception = False
        client.cookies = SimpleCookie(self.cookies)
        return client


ROLES = Membership.Role
PERSONAS = (
    Persona("signed out"),
    Persona("patient", patient="own"),
    Persona("other patient", patient="neighbour"),
    Persona("carer", patient="own", carer=CareGrant.Rights.LOG),
    Persona("carer who may only look", patient="own", carer=CareGrant.Rights.VIEW),
    Persona("expired carer", carer="over"),
    Persona("prescriber", clinic="first", role=ROLES.PRESCRIBER, signed_in=True),
    Persona("nurse", clinic="first", role=ROLES.NURSE, signed_in=True),
    Persona("staff", clinic="first", role=ROLES.STAFF, signed_in=True),
    Persona("auditor", clinic="first", role=ROLES.AUDITOR, signed_in=True),
    Persona("administrator", clinic="first", role=ROLES.ADMINISTRATOR, signed_in=True),
    Persona("principal", clinic="first", role=ROLES.PRINCIPAL, signed_in=True),
    Persona("stranger", clinic="second", role=ROLES.PRESCRIBER, signed_in=True),
    Persona("former member", clinic="first", signed_in=True),
    Persona("deactivated", clinic="first"),
)
"""Everybody there is; `stranger` prescribes in the other clinic."""


@dataclass
class House:
    cases: dict[str, Case]
    personas: dict[str, Persona]


def build() -> House:
    """`own` and `neighbour` are patients of one clinic, `foreign` of another. Expects the clock to stand at NOW."""
    here, there = factories.clinic("First Clinic"), factories.clinic("Second Clinic")
    clinics = {"first": here, "second": there}
    members = {
        persona.name: factories.member(
            clinics[persona.clinic], persona.role or ROLES.PRESCRIBER, f"{persona.clinic} {persona.name}".title()
        )
        for persona in PERSONAS
        if persona.clinic
    }
    cases = {
        "own": _case(here, "own", members["prescriber"]),
        "neighbour": _case(here, "neighbour", members["prescriber"]),
        "foreign": _case(there, "foreign", members["stranger"]),
    }
    for persona in PERSONAS:
        if persona.role and policy.Permission.EXPORT in policy.PERMISSIONS[persona.role]:
            case = cases["own" if persona.clinic == "first" else "foreign"]
            case.exports[persona.name] = _export(members[persona.name], case.patient)
    personas = {persona.name: replace(persona, cookies=_cookies(persona, members, cases)) for persona in PERSONAS}
    # Both were let in once, and their browsers still hold what they were given.
    Membership.objects.filter(user_id=members["former member"].user_id).update(ended_at=NOW)
    User.objects.filter(id=members["deactivated"].user_id).update(is_active=False)
    return House(cases, personas)


def _cookies(persona: Persona, members: dict[str, Actor], cases: dict[str, Case]) -> dict[str, str]:
    """What this person's browser carries."""
    if persona.carer:
        return {settings.CARER_COOKIE_NAME: _carer(persona, cases["own"])}
    if persona.patient:
        return {settings.PHONE_COOKIE_NAME: cases[persona.patient].phone_secret}
    if persona.name not in members:
        return {}
    client = pages.client_of(members[persona.name])
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def _carer(persona: Persona, case: Case) -> str:
    """The secret in the browser of a carer of this case, let in a month ago."""
    over = persona.carer == "over"
    _, secret = factories.carer(
        case.patient,
        CareGrant.Rights.LOG if over else persona.carer,
        at=NOW - timedelta(days=30),
        name=f"{case.canary} helper {persona.carer}",
        expires_on=NOW.date() if over else NOW.date() + timedelta(days=30),
    )
    return secret


def _case(clinic: Clinic, which: str, by: Actor) -> Case:
    canary = f"canary-{which}"
    patient = factories.patient(
        clinic,
        f"{canary} Person",
        registered_by_id=by.user_id,
        record_number=f"{canary}-1",
        email=f"{canary}@test.invalid",
        context_note=f"{canary} note",
    )
    PatientCondition.objects.create(clinic=clinic, patient=patient, position=0, code="other", words=f"{canary} illness")
    medicine = Medicine.objects.create(clinic=clinic, patient=patient, position=0, words=f"{canary} tablets")
    prescription = factories.prescription(patient, by=by, at=NOW - timedelta(days=14))
    for back in range(8, 1, -1):
        factories.told_night(patient, NOW.date() - timedelta(days=back), note=f"{canary} night")
    paper = factories.paper(prescription, by=by, at=NOW)
    report = OpioidReport.objects.create(
        clinic=clinic,
        patient=patient,
        night=NOW.date() - timedelta(days=1),
        answer="yes",
        words=f"{canary} syrup",
        at=NOW,
    )
    phone, secret = factories.phone(patient, at=NOW)
    opening = patients_services.invite(patient=patient, by=by, at=NOW)
    care = patients_services.grant_care(
        patient=patient,
        name=f"{canary} helper invited",
        email=f"{canary}-helper@test.invalid",
        relation="parent",
        rights=CareGrant.Rights.LOG,
        expires_on=NOW.date() + timedelta(days=30),
        by=by,
        at=NOW,
    )
    carried = patients_services.make_card(patient=patient, shows_name=False, by=by, at=NOW)
    joining = _member_invitation(clinic, which)
    nurse = factories.member(clinic, Membership.Role.NURSE, f"Nurse of {which}")
    return Case(
        canary=canary,
        patient=patient,
        prescription=prescription,
        report=report,
        phone=phone,
        phone_secret=secret,
        invitation_token=opening.token,
        reminder=doubtful_reminder(patient, prescription),
        grant=care.grant,
        care_invitation_token=care.token,
        card=carried.card,
        card_token=carried.token,
        urgent=UrgentItem.objects.create(
            clinic=clinic, patient=patient, code="opioid_report", subject_id=report.id, raised_at=NOW
        ),
        cover=Cover.objects.create(
            clinic=clinic,
            away_id=by.user_id,
            covers_id=nurse.user_id,
            from_on=NOW.date() + timedelta(days=100),
            until_on=NOW.date() + timedelta(days=101),
        ),
        membership=Membership.objects.get(user_id=nurse.user_id),
        member_invitation=joining.invitation,
        member_token=joining.token,
        emergency=past_emergency(patient, by),
        imported=staged_import(by),
        paper=paper,
        lab=lab_value(patient, by),
        procedure=planned_procedure(patient, by, f"{canary} operation"),
        medicine=medicine,
        fill=factories.fill(patient, by=by, at=NOW, lot="LOT 1"),
        finding=factories.finding(patient, f"{canary} sleeps badly", at=NOW),
        template=factories.own_template(by, code=f"OURS-{which.upper()}", at=NOW),
    )


def lab_value(patient: Patient, by: Actor) -> LabResult:
    """An ALT that is as it should be."""
    value = LabValue(code="alt", value=Decimal(20), unit="U/L", taken_on=NOW.date(), high=Decimal(40))
    (row,) = record_labs(patient=patient, values=[value], by=by, at=NOW)
    return row


def planned_procedure(patient: Patient, by: Actor, words: str) -> Procedure:
    """A procedure half a year ahead, for which no plan pauses yet."""
    return Procedure.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        on=NOW.date() + timedelta(days=180),
        words=words,
        opioids_expected="unknown",
        recorded_at=NOW,
        recorded_by_id=by.user_id,
    )


def staged_import(by: Actor) -> Import:
    """A table of one newcomer that waits to be decided on."""
    table = "name\tbirth_date\trecord_number\tconditions\nNew Comer\t1990-12-31\tN-1\tcrohn\n"
    return imports_services.stage(grid=grid.read_pasted(table), by=by, at=NOW)


def past_emergency(patient: Patient, by: Actor) -> EmergencyAccess:
    """Somebody opened the record in an emergency two hours ago, and nobody has reviewed it."""
    return EmergencyAccess.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        user_id=by.user_id,
        membership=Membership.objects.get(user_id=by.user_id),
        reason="a reason of more than twenty characters",
        opened_at=NOW - timedelta(hours=2),
        ends_at=NOW - timedelta(hours=1),
    )


def _member_invitation(clinic: Clinic, which: str) -> members.Opening:
    """An open invitation to work in this clinic, made by an administrator of it."""
    by = factories.member(clinic, Membership.Role.ADMINISTRATOR, f"Administrator of {which}")
    return members.invite(address=f"joins-{which}@test.invalid", role=Membership.Role.STAFF, by=by, at=NOW)


def doubtful_reminder(patient: Patient, prescription: Prescription) -> Reminder:
    """A step-eve reminder of last evening that nobody knows the fate of."""
    due = NOW - timedelta(hours=16)
    occurrence = Occurrence.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        prescription=prescription,
        kind=Occurrence.Kind.STEP_EVE,
        about_on=NOW.date(),
        local_time=time(18),
        zone_name=patient.zone_name,
        due_at=due,
        expires_at=due + timedelta(hours=4),
    )
    return Reminder.objects.create(
        clinic_id=patient.clinic_id,
        occurrence=occurrence,
        state=State.UNCERTAIN,
        next_at=due,
        not_after=due + timedelta(hours=4),
        attempts=1,
    )


def _export(by: Actor, patient: Patient) -> uuid.UUID:
    export = exports_services.ask(patient=patient, request_key=uuid.uuid4(), by=by, at=NOW)
    exports_services.run(export.id, now=lambda: NOW)
    return export.id


def normal(response: Any) -> str:
    """An answer without what differs from one knock to the next: tokens of forms, ids in addresses."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    text = f"{response.status_code} {response.get('Location', '')} {body.decode('utf-8', 'replace')}"
    return PASSING.sub("…", text)
