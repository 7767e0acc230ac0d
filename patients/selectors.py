"""Questions about patients. `visible_to` is the only way in."""

import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from accounts import policy
from accounts.actors import Actor, Kind
from accounts.models import Membership
from common import sealed, walls
from patients import conditions, secrets
from patients.medicine_list import Listed
from patients.models import (
    CONDITION_WORDS,
    CareGrant,
    CareTeamMember,
    ContactPreference,
    EmergencyAccess,
    EmergencyCard,
    FreshCode,
    Invitation,
    Medicine,
    Patient,
    PatientCondition,
    Phone,
    PhoneSecret,
    Screening,
)


def visible_to(actor: Actor) -> QuerySet[Patient]:
    """The patients this actor may know of: a member sees their clinic's, a patient themself, a carer the
    one patient of the grant they act by, others nobody.

    A restricted record is known to its care team, and for an hour to who opened it in an emergency.
    """
    if actor.kind == Kind.MEMBER and policy.may(actor, policy.Permission.READ_PATIENTS):
        return Patient.objects.filter(open_to(actor), clinic_id=actor.clinic_id)
    if actor.kind in (Kind.PATIENT, Kind.CARER):
        return Patient.objects.filter(clinic_id=actor.clinic_id, id=actor.patient_id)
    if actor.kind == Kind.SYSTEM and actor.clinic_id is not None:
        return Patient.objects.filter(clinic_id=actor.clinic_id)
    return Patient.objects.none()


def open_to(actor: Actor) -> Q:
    """Records that are not restricted, or are restricted to a care team this member is in, or opened in an emergency.

    The lists of ids depend on the member alone: the database makes each once a statement, and only where it meets a
    restricted record.
    """
    team = CareTeamMember.objects.filter(places_that_hold(), user_id=actor.user_id, clinic_id=actor.clinic_id)
    opened = Q(restricted_at=None) | Q(id__in=team.values("patient_id"))
    if actor.at is not None and policy.may(actor, policy.Permission.BREAK_GLASS):
        opened |= Q(id__in=running_emergencies(actor).values("patient_id"))
    return opened


def places_that_hold() -> Q:
    """Places on care teams that open a record: neither ended, nor from before the member's present role in the clinic.

    Who left and comes back, or gets another role, is let in anew by the team or not at all.
    """
    role = Membership.objects.filter(user_id=OuterRef("user_id"), clinic_id=OuterRef("clinic_id"), ended_at=None)
    since = role.filter(Q(began_at=None) | Q(began_at__lte=OuterRef("added_at")))
    return Q(Exists(since), ended_at=None)


def running_emergencies(actor: Actor) -> QuerySet[EmergencyAccess]:
    """What this member opened in an emergency that lasts at the moment of their request; none outside a request."""
    if actor.at is None:
        return EmergencyAccess.objects.none()
    mine = EmergencyAccess.objects.filter(clinic_id=actor.clinic_id, user_id=actor.user_id, closed_at=None)
    return mine.filter(ends_at__gt=actor.at, membership__ended_at=None)


def lasting(actor: Actor) -> Actor:
    """The same actor without what an emergency opened to them for an hour."""
    return replace(actor, at=None)


GROWN_UP_AT = 18
"""From which age somebody answers and signs for themself: a choice of this project, grade E3."""


def age_of(patient: Patient, *, at: datetime) -> int:
    """Completed years by the patient's own clock."""
    return _age_on(patient, at.astimezone(patient.zone).date())


def _age_on(patient: Patient, on: date) -> int:
    born = patient.birth_date
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def is_child(patient: Patient, *, at: datetime) -> bool:
    """Whether somebody else answers and signs for them."""
    return age_of(patient, at=at) < GROWN_UP_AT


def was_child(patient: Patient, *, on: date) -> bool:
    """Whether somebody else signed for them on a day."""
    return _age_on(patient, on) < GROWN_UP_AT


def plain(words: str) -> str:
    """Words as names are sorted and searched by: without accents and case."""
    letters = unicodedata.normalize("NFKD", words)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def contact_of(actor: Actor, patient_id: uuid.UUID) -> Patient | None:
    """The patient, if this actor may know of them, with the clinic and the contact preference, in one statement."""
    return visible_to(actor).select_related("clinic", "contact").filter(id=patient_id).first()


def bounced(actor: Actor, among: QuerySet[Patient]) -> QuerySet[ContactPreference]:
    """Where mail to these patients comes back, while they are in the clinic's care."""
    return ContactPreference.objects.filter(
        clinic_id=actor.clinic_id, patient__in=among, address_failed_at__isnull=False, patient__care_ended_at=None
    )


def shown(actor: Actor, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Patient]:
    """Those of these patients this actor may know of, with the contact preference, in one statement."""
    rows = visible_to(actor).filter(id__in=list(ids)).select_related("contact")
    return {patient.id: patient for patient in rows}


def page_of(actor: Actor, *, words: str = "", after: str = "", size: int = 50) -> tuple[list[Patient], str]:
    """One page by name, filtered by parts of name or record number, and the key of the next page ("" if last).

    The key is the id of a page's last patient: names do not belong in addresses. No count and no offset: the
    thousandth page costs what the first does.
    """
    patients = visible_to(actor)
    for word in plain(words).split()[:5]:
        patients = patients.filter(Q(sort_key__contains=word) | Q(record_number__icontains=word))
    if after:
        try:
            last_id = uuid.UUID(after)
        except ValueError:
            return [], ""
        key = Subquery(visible_to(actor).filter(id=last_id).values("sort_key"))
        # The first condition lets the index begin at the key; the second leaves out those before it by id.
        patients = patients.filter(Q(sort_key__gte=key), Q(sort_key__gt=key) | Q(id__gt=last_id))
    found = list(patients.order_by("sort_key", "id")[: size + 1])
    return found[:size], str(found[size - 1].id) if len(found) > size else ""


def born_on(actor: Actor, days: Iterable[date]) -> list[Patient]:
    """The patients this actor may know of who were born on one of these days."""
    return list(visible_to(actor).filter(birth_date__in=list(days)))


def record_numbers_in_use(actor: Actor, numbers: Iterable[str]) -> set[str]:
    """Which of these record numbers the actor's clinic uses, for whomever: registering would refuse them too."""
    if not policy.may(actor, policy.Permission.REGISTER_PATIENTS):
        return set()
    used = Patient.objects.filter(clinic_id=actor.clinic_id, record_number__in=list(numbers))
    return set(used.values_list("record_number", flat=True))


@dataclass(frozen=True)
class Place:
    """Where a phone's rows are: with its patient's clinic, or with its carer."""

    clinic_id: uuid.UUID | None
    carer_id: uuid.UUID | None


def place_behind(digest: str) -> Place | None:
    """Where the phone is that has, was offered or once had the secret of this digest."""
    with walls.acting(key=digest):
        # Looked for twice: between the first look and the second an offered secret may come in force.
        for secrets_kept in (Phone.objects, PhoneSecret.objects, Phone.objects):
            found = secrets_kept.filter(secret_digest=digest).values_list("clinic_id", "carer_id").first()
            if found is not None:
                return Place(*found)
    return None


def phone_by_digest(digest: str) -> Phone | None:
    """The phone whose secret in force has this digest, welcome or not."""
    phones = Phone.objects.filter(secret_digest=digest)
    return phones.select_related("patient__clinic", "patient__user", "carer").first()


def row_of(phone: Phone) -> QuerySet[Phone]:
    """This phone's row, said by whose it is."""
    return Phone.objects.filter(id=phone.id, clinic_id=phone.clinic_id, carer_id=phone.carer_id)


def whole(phone: Phone) -> Phone:
    """This phone as it stands now, with its patient or its carer."""
    return row_of(phone).select_related("patient__clinic", "patient__user", "carer").get()


def phone_by_secret(secret: str, *, at: datetime) -> Phone | None:
    """The remembered phone that holds this secret, if it is still welcome; nothing is noted of it."""
    digest = secrets.digest(secret)
    place = place_behind(digest)
    if place is None:
        return None
    with walls.acting(clinic=place.clinic_id, user=place.carer_id):
        phone = phone_by_digest(digest)
    return phone if phone is not None and phone.revoked_at is None and phone.expires_at > at else None


def clinic_of_invitation(token: str) -> uuid.UUID | None:
    """Where this patient's invitation was made."""
    digest = secrets.digest(token)
    return walls.clinic_behind(Invitation.objects.filter(token_digest=digest), digest)


def clinic_of_care_invitation(token: str) -> uuid.UUID | None:
    """Where this carer's invitation was made."""
    digest = secrets.digest(token)
    return walls.clinic_behind(CareGrant.objects.filter(token_digest=digest), digest)


def clinic_of_card(token: str) -> uuid.UUID | None:
    """Where this emergency card was made, revoked or not."""
    digest = secrets.digest(token)
    return walls.clinic_behind(EmergencyCard.objects.filter(token_digest=digest), digest)


def good_card(token: str) -> EmergencyCard | None:
    """The card of this token, if it was not revoked and the patient is in care still, with patient and clinic."""
    cards = EmergencyCard.objects.filter(token_digest=secrets.digest(token), revoked_at=None)
    return cards.filter(patient__care_ended_at=None).select_related("patient__clinic").first()


def cards_of(patient: Patient) -> list[EmergencyCard]:
    """The patient's emergency cards that were not revoked, newest first."""
    return list(patient.emergency_cards.filter(revoked_at=None).order_by("-made_at", "id"))


def card_of(patient: Patient, card_id: uuid.UUID) -> EmergencyCard | None:
    """This emergency card, if it is or was this patient's."""
    return patient.emergency_cards.filter(id=card_id).select_related("patient").first()


def card_just_made(patient: Patient, token: str) -> EmergencyCard | None:
    """The card of this token, if it is this patient's and was not revoked."""
    cards = patient.emergency_cards.filter(token_digest=secrets.digest(token), revoked_at=None)
    return cards.select_related("patient").first()


def grants_in_force(carer_id: uuid.UUID | None, *, at: datetime) -> list[CareGrant]:
    """Whom this carer may look after at this moment, by each patient's own clock, with patient and clinic."""
    grants = CareGrant.objects.filter(user_id=carer_id, revoked_at=None).exclude(opened_at=None)
    with walls.acting(user=carer_id):
        clinics = set(grants.values_list("clinic_id", flat=True))
    found: list[CareGrant] = []
    for clinic_id in clinics:
        with walls.acting(clinic=clinic_id):
            found += grants.filter(clinic_id=clinic_id).select_related("patient__clinic")
    return sorted((grant for grant in found if in_force(grant, at=at)), key=lambda grant: (grant.granted_at, grant.id))


def in_force(grant: CareGrant, *, at: datetime) -> bool:
    """Whether the grant holds on the day it is where the patient is."""
    today = at.astimezone(grant.patient.zone).date()
    return grant.revoked_at is None and grant.opened_at is not None and grant.from_on <= today < grant.expires_on


def address_of(phone: Phone) -> str:
    """Where a proof for this phone is mailed: to its patient, or to its carer as the newest grant they opened says."""
    if phone.patient is not None:
        return phone.patient.email
    opened = CareGrant.objects.filter(user_id=phone.carer_id).exclude(opened_at=None).order_by("-opened_at")
    with walls.acting(user=phone.carer_id):
        grant = opened.first()
    return grant.email if grant else ""


def open_care_invitation(token: str, *, at: datetime) -> CareGrant | None:
    """The grant this token opens, if it is neither opened, taken back, too old nor guessed at too often."""
    waiting = CareGrant.objects.filter(
        token_digest=secrets.digest(token),
        opened_at=None,
        revoked_at=None,
        invitation_expires_at__gt=at,
        tries__lte=secrets.TRIES,
    )
    with walls.acting(clinic=clinic_of_care_invitation(token)):
        return waiting.select_related("patient__clinic").first()


def link_is_good(token: str, *, at: datetime) -> bool:
    """Whether the browser that asked for this mailed link could still use it."""
    digest = secrets.digest(token)
    link = FreshCode.objects.filter(token_digest=digest, spent_at=None, expires_at__gt=at, tries__lt=secrets.TRIES)
    with walls.acting(key=digest):
        return link.exists()


def phones_of_holder(phone: Phone, *, at: datetime) -> list[Phone]:
    """All phones of whoever holds this one: those remembered, and those turned away in the last ninety days."""
    theirs = Phone.objects.filter(patient_id=phone.patient_id, carer_id=phone.carer_id)
    recent = Q(revoked_at=None, expires_at__gt=at) | Q(revoked_at__gt=at - secrets.PHONE_LASTS)
    return list(theirs.filter(recent).order_by("-let_in_at"))


def care_of(patient: Patient, *, at: datetime) -> list[CareGrant]:
    """Who may look after this patient or is invited to, newest first; what was taken back or has ended is left out."""
    today = at.astimezone(patient.zone).date()
    return list(patient.care_grants.filter(revoked_at=None, expires_on__gt=today).order_by("-granted_at", "id"))


def carer_names(patient: Patient) -> dict[uuid.UUID, str]:
    """Everybody who ever opened a grant for this patient, by user: what they told keeps their name."""
    return {grant.user_id: grant.name for grant in patient.care_grants.exclude(user=None).order_by("granted_at")}


def care_grant_of(patient: Patient, grant_id: uuid.UUID) -> CareGrant | None:
    """This grant, if it is or was one for this patient."""
    return patient.care_grants.filter(id=grant_id).select_related("patient").first()


def open_invitation(token: str, *, at: datetime) -> Invitation | None:
    """The invitation this token opens, if it is neither spent, replaced, expired nor guessed at too often."""
    invitations = Invitation.objects.filter(
        token_digest=secrets.digest(token), spent_at=None, replaced_at=None, expires_at__gt=at, tries__lte=secrets.TRIES
    )
    with walls.acting(clinic=clinic_of_invitation(token)):
        return invitations.select_related("patient__clinic").first()


def phone_of(patient: Patient, phone_id: uuid.UUID) -> Phone | None:
    """This phone, if it is or was this patient's."""
    return patient.phones.filter(id=phone_id).first()


@dataclass(frozen=True, kw_only=True)
class InvitationState:
    """The invitation that is neither spent nor replaced; it may have expired."""

    created_at: datetime
    expires_at: datetime
    mailed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PhoneState:
    """A phone that is remembered, though it may have expired; or one turned away because its key was copied."""

    id: uuid.UUID
    let_in_at: datetime
    expires_at: datetime
    copied_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """A patient and what was written about them at the desk. `conditions` are (code, words) in their order.

    `medicines` are those that go on; `team` are the names of those who alone may open a restricted record; `screening`
    is the state of the screening's newest version, "" where there is none; `emergency_cards` how many cards open.
    """

    patient: Patient
    conditions: tuple[tuple[str, str], ...]
    medicines: tuple[str, ...]
    phones: tuple[PhoneState, ...]
    team: tuple[str, ...]
    emergency_cards: int
    screening: str
    invitation: InvitationState | None
    address_failed: bool


def _of_patient(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(patient=OuterRef("pk"))


RECORDS = Patient.objects.select_related("clinic").annotate(
    record_conditions=ArraySubquery(
        _of_patient(PatientCondition.objects.order_by("position")).values(pair=JSONObject(code="code", words="words"))
    ),
    record_medicines=ArraySubquery(
        _of_patient(Medicine.objects.filter(stopped_on=None).order_by("position")).values("words")
    ),
    record_phones=ArraySubquery(
        _of_patient(
            Phone.objects.filter(Q(revoked_at=None) | Q(revoked_because=Phone.Because.COPIED)).order_by("-let_in_at")
        ).values(row=JSONObject(id="id", let_in_at="let_in_at", expires_at="expires_at", copied_at="revoked_at"))
    ),
    record_cards=ArraySubquery(_of_patient(EmergencyCard.objects.filter(revoked_at=None)).values("id")),
    record_screening=Subquery(_of_patient(Screening.objects.order_by("-number")).values("state")[:1]),
    record_team=ArraySubquery(
        _of_patient(CareTeamMember.objects.filter(ended_at=None).order_by("added_at", "user__name")).values(
            "user__name"
        )
    ),
    # One at most, by `one_open_invitation_per_patient`.
    open_one=FilteredRelation("invitations", condition=Q(invitations__spent_at=None, invitations__replaced_at=None)),
    invitation_created_at=F("open_one__created_at"),
    invitation_expires_at=F("open_one__expires_at"),
    invitation_mailed_at=F("open_one__mailed_at"),
    address_failed_at=F("contact__address_failed_at"),
)
"""Patients with all that `record_of` reads; a storey above may annotate more. Built once: building it costs more than
asking it."""


def record_of(actor: Actor, patient_id: uuid.UUID, *, among: QuerySet[Patient] = RECORDS) -> Record | None:
    """The record of one patient this actor may know of, with the clinic, in one statement; else None."""
    patient = next(iter(among & visible_to(actor).filter(id=patient_id)), None)
    return None if patient is None else _record(patient)


def _record(row: Patient) -> Record:
    invitation = None
    if row.invitation_created_at is not None:
        invitation = InvitationState(
            created_at=row.invitation_created_at,
            expires_at=row.invitation_expires_at,
            mailed_at=row.invitation_mailed_at,
        )
    return Record(
        patient=row,
        conditions=tuple(
            (pair["code"], sealed.open_sealed(pair["words"], CONDITION_WORDS)) for pair in row.record_conditions
        ),
        medicines=tuple(row.record_medicines),
        phones=tuple(
            PhoneState(
                id=uuid.UUID(phone["id"]),
                let_in_at=datetime.fromisoformat(phone["let_in_at"]),
                expires_at=datetime.fromisoformat(phone["expires_at"]),
                copied_at=datetime.fromisoformat(phone["copied_at"]) if phone["copied_at"] else None,
            )
            for phone in row.record_phones
        ),
        team=tuple(row.record_team),
        emergency_cards=len(row.record_cards),
        screening=row.record_screening or "",
        invitation=invitation,
        address_failed=row.address_failed_at is not None,
    )


def medicines_of(patient: Patient) -> list[Listed]:
    """The patient's list in its order, ended lines among them, in one statement."""
    return [
        listed(row)
        for row in Medicine.objects.filter(patient=patient).order_by("position").select_related("recorded_by")
    ]


def conditions_of_many(patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, frozenset[str]]:
    """The codes of several patients' conditions, in one statement; none for who has none on record.

    One that is written in words counts as the listed condition they name, too: "other: MS" is multiple sclerosis. Words
    whose key is lost name nothing: tonight's dose is shown all the same.
    """
    found: dict[uuid.UUID, frozenset[str]] = defaultdict(frozenset)
    rows = PatientCondition.objects.filter(patient_id__in=list(patient_ids))
    for patient_id, code, words in rows.values_list("patient_id", "code", "words"):
        readable = "" if isinstance(words, sealed.Unopened) else words
        found[patient_id] |= conditions.codes_on_record(code, readable)
    return found


def medicines_of_many(patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Listed]]:
    """The lists of several patients, in one statement; who wrote a line last is left out."""
    found: dict[uuid.UUID, list[Listed]] = defaultdict(list)
    for row in Medicine.objects.filter(patient_id__in=list(patient_ids)).order_by("position"):
        found[row.patient_id].append(listed(row, by_name=False))
    return found


def listed(row: Medicine, *, by_name: bool = True) -> Listed:
    """A line as the rules read it."""
    return Listed(
        id=row.id,
        version=row.version,
        words=row.words,
        started_on=row.started_on,
        last_taken_on=row.last_taken_on,
        stopped_on=row.stopped_on,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by.name if by_name and row.recorded_by else "",
    )


@dataclass(frozen=True)
class Named:
    """A patient as the memory's reader sees them: by number and name, and nothing of their care."""

    id: uuid.UUID
    record_number: str
    name: str


def known_to_memory(actor: Actor) -> QuerySet[Patient]:
    """Whom the memory's reader may name: all of the clinic's, for any of them may ask who looked at their record."""
    if policy.may(actor, policy.Permission.READ_MEMORY):
        return Patient.objects.filter(clinic_id=actor.clinic_id)
    return Patient.objects.none()


def named_in_memory(actor: Actor, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Named]:
    """These patients by id."""
    found = known_to_memory(actor).filter(id__in=set(ids)).values_list("id", "record_number", "name")
    return {row[0]: Named(*row) for row in found}


def found_in_memory(actor: Actor, words: str, *, most: int = 100) -> list[uuid.UUID]:
    """Patients with all these parts in their name or record number."""
    patients = known_to_memory(actor)
    for word in plain(words).split()[:5]:
        patients = patients.filter(Q(sort_key__contains=word) | Q(record_number__icontains=word))
    return list(patients.order_by("sort_key", "id").values_list("id", flat=True)[:most])
