"""Questions about clinics and their people."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.crypto import salted_hmac

from accounts import hours, policy, signed_in
from accounts.actors import Actor, Kind
from accounts.models import (
    Clinic,
    ClinicHours,
    ClosedDate,
    Cover,
    MemberInvitation,
    Membership,
    Session,
    UrgentContact,
    User,
)
from common import tokens, walls


def membership_of(user: Any, *, clinic_id: str | None) -> Membership | None:
    """The user's place in their active clinic, with it: the one the session names, else their first."""
    others = Membership.objects.filter(user_id=user.id, ended_at=None).exclude(clinic_id=OuterRef("clinic_id"))
    memberships = Membership.objects.filter(user_id=user.id, ended_at=None).order_by("clinic_id")
    memberships = memberships.annotate(one_of_several=Exists(others))
    if clinic_id is not None:
        memberships = memberships.filter(clinic_id=clinic_id)
    with walls.acting(user=user.id):
        return memberships.select_related("clinic").first()


def member_actor(user: Any, *, clinic_id: str | None) -> Actor | None:
    """The user as the actor of deeds in that clinic; None where they have no place in it."""
    membership = membership_of(user, clinic_id=clinic_id)
    return actor_of(membership, user) if membership else None


def person_actor(user: Any, *, clinic_id: str | None) -> Actor:
    """The user as the actor of deeds about themselves, also where they have no place in any clinic."""
    placeless = Actor(kind=Kind.MEMBER, clinic_id=None, label=user.name, user_id=user.pk)
    return member_actor(user, clinic_id=clinic_id) or placeless


def actor_of(membership: Membership, user: Any) -> Actor:
    """This member, acting."""
    return Actor(
        kind=Kind.MEMBER,
        clinic_id=membership.clinic_id,
        label=user.name,
        user_id=user.id,
        role=membership.role,
        clinic_name=membership.clinic.name,
        clinic_zone=membership.clinic.zone,
    )


def clinic_of(actor: Actor) -> Clinic:
    """The clinic this actor acts in."""
    return Clinic.objects.get(id=actor.clinic_id)


def all_clinic_ids() -> list[uuid.UUID]:
    """Every tenant, for the system's own rounds."""
    return list(Clinic.objects.order_by("id").values_list("id", flat=True))


@dataclass(frozen=True)
class SignedIn:
    """A browser somebody is signed in with; `reference` names the session without being its key."""

    reference: str
    began_at: datetime
    seen_at: datetime
    address: str
    agent: str
    here: bool


def reference_of(session_key: str) -> str:
    """A name for a session that opens nothing: the key itself would."""
    return salted_hmac("accounts.session", session_key, algorithm="sha256").hexdigest()[:32]


def sessions_of(user: Any, *, here: str | None, at: datetime) -> list[SignedIn]:
    """Where this person is signed in now, the session with the key `here` first, then the latest seen."""
    found = []
    for session in Session.objects.filter(user_id=user.pk):
        told = session.get_decoded()
        if signed_in.left(told, at=at).seconds <= 0:
            continue
        began = told[signed_in.KEY]
        found.append(
            SignedIn(
                reference=reference_of(session.session_key),
                began_at=datetime.fromtimestamp(began["began"], UTC),
                seen_at=datetime.fromtimestamp(began["seen"], UTC),
                address=began["address"],
                agent=began["agent"],
                here=session.session_key == here,
            )
        )
    return sorted(found, key=lambda one: (not one.here, -one.seen_at.timestamp()))


def people_of(clinic_id: uuid.UUID | None) -> list[tuple[uuid.UUID, str]]:
    """Everybody who works or has worked in a clinic, by name."""
    members = Membership.objects.filter(clinic_id=clinic_id).order_by("user__name", "user_id")
    return list(dict.fromkeys(members.values_list("user_id", "user__name")))


def hours_of(clinic_id: uuid.UUID | None) -> hours.Hours:
    """When a clinic reads what patients write."""
    stretches = ClinicHours.objects.filter(clinic_id=clinic_id).order_by("weekday", "opens")
    closed = ClosedDate.objects.filter(clinic_id=clinic_id).values_list("on", flat=True)
    openings = tuple(hours.Opening(row.weekday, row.opens, row.closes) for row in stretches)
    return hours.Hours(openings, frozenset(closed))


def reading_sentence(clinic: Clinic, *, at: datetime) -> str:
    """What a patient who has just written is told: when somebody reads it, and whom to call before that."""
    return hours.sentence(
        at,
        hours_of(clinic.id),
        clinic.zone,
        phone=clinic.phone,
        urgent_phone=clinic.urgent_phone,
        otherwise=clinic.after_hours_words,
    )


def may_be_told(actor: Actor) -> list[Membership]:
    """Who works in the actor's clinic and reads patients' records: they can open what is urgent."""
    reading = policy.roles_with(policy.Permission.READ_PATIENTS)
    return [member for member in members_of(actor) if member.role in reading]


def urgent_contacts(clinic_id: uuid.UUID | None) -> list[UrgentContact]:
    """The clinic's urgent route, in its order, with the people."""
    return list(UrgentContact.objects.filter(clinic_id=clinic_id).select_related("user").order_by("position"))


def covers_of(clinic_id: uuid.UUID | None, *, on: date) -> list[Cover]:
    """Who covers whom on a date or later, with the people, soonest first."""
    covers = Cover.objects.filter(clinic_id=clinic_id, ended_at=None, until_on__gt=on)
    return list(covers.select_related("away", "covers").order_by("from_on", "id"))


def cover_of(actor: Actor, cover_id: uuid.UUID) -> Cover | None:
    """This cover, if it is or was one of the actor's clinic."""
    return Cover.objects.filter(id=cover_id, clinic_id=actor.clinic_id).first()


def names_of(user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The names of these people."""
    return dict(User.objects.filter(id__in=set(user_ids)).values_list("id", "name"))


def members_of(actor: Actor) -> list[Membership]:
    """Who works in the actor's clinic now, with the person, by name."""
    memberships = Membership.objects.filter(clinic_id=actor.clinic_id, ended_at=None, user__is_active=True)
    return list(memberships.select_related("user").order_by("user__name", "id"))


def member_of(actor: Actor, membership_id: uuid.UUID) -> Membership | None:
    """One current member of the actor's clinic, with the person."""
    memberships = Membership.objects.filter(clinic_id=actor.clinic_id, ended_at=None, user__is_active=True)
    return memberships.select_related("user").filter(id=membership_id).first()


def earlier_roles(membership: Membership) -> list[Membership]:
    """The roles this person had in this clinic before, latest first."""
    rows = Membership.objects.filter(user_id=membership.user_id, clinic_id=membership.clinic_id)
    return list(rows.exclude(ended_at=None).order_by("-ended_at"))


def administrators_of(clinic_id: uuid.UUID | None) -> QuerySet[Membership]:
    """The members who may manage members, and can sign in."""
    roles = policy.roles_with(policy.Permission.MANAGE_MEMBERS)
    return Membership.objects.filter(clinic_id=clinic_id, ended_at=None, role__in=roles, user__is_active=True)


def administrators_around(user: User) -> set[str]:
    """The addresses of all administrators of all clinics this person works in."""
    with walls.acting(user=user.id):
        places = Membership.objects.filter(user_id=user.id, ended_at=None)
        clinic_ids = list(places.values_list("clinic_id", flat=True))
    found: set[str] = set()
    for clinic_id in clinic_ids:
        with walls.acting(clinic=clinic_id):
            found.update(administrators_of(clinic_id).values_list("user__username", flat=True))
    return found


def clinics_of(user: Any) -> list[Membership]:
    """The places where this person works, with their clinics, by name."""
    memberships = Membership.objects.filter(user_id=user.id, ended_at=None)
    with walls.acting(user=user.id):
        return list(memberships.select_related("clinic").order_by("clinic__name", "clinic_id"))


def open_invitations(clinic_id: uuid.UUID | None) -> list[MemberInvitation]:
    """Invitations nobody has accepted or withdrawn, also those whose week is over, latest first."""
    rows = MemberInvitation.objects.filter(clinic_id=clinic_id, accepted_at=None, withdrawn_at=None)
    return list(rows.select_related("invited_by").order_by("-invited_at"))


def invitation_of(actor: Actor, invitation_id: uuid.UUID) -> MemberInvitation | None:
    """One open invitation of the actor's clinic."""
    return next((row for row in open_invitations(actor.clinic_id) if row.id == invitation_id), None)


def clinic_inviting(token: str) -> uuid.UUID | None:
    """Whose invitation this is."""
    digest = tokens.digest(token)
    return walls.clinic_behind(MemberInvitation.objects.filter(token_digest=digest), digest)


def invitation_by_token(token: str, *, at: datetime) -> MemberInvitation | None:
    """The invitation this token opens now, with its clinic."""
    rows = MemberInvitation.objects.filter(token_digest=tokens.digest(token), accepted_at=None, withdrawn_at=None)
    with walls.acting(clinic=clinic_inviting(token)):
        return rows.filter(expires_at__gt=at).select_related("clinic").first()


def user_with_address(address: str) -> User | None:
    """The account that signs in with this address."""
    return User.objects.filter(username__iexact=address).first()


def with_second_factor(users: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these people who have set up a passkey or an authenticator."""
    kinds = (Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP)
    found = Authenticator.objects.filter(user_id__in=list(users), type__in=kinds)
    return set(found.values_list("user_id", flat=True))
