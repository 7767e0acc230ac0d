"""Letting people into a clinic, giving them another role, and letting them go.

Deeds that change who is a member of a clinic stand in a queue at the clinic's row: whoever comes second sees what the
first has done, so that two administrators cannot remove each other.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction

from accounts import policy, selectors
from accounts.actors import Actor, Kind, system
from accounts.models import Clinic, MemberInvitation, Membership, User
from accounts.services import sessions
from audit import services as audit
from common import tokens, walls
from common.refusals import Refused, Stale

INVITATION_LASTS = timedelta(days=7)
SPENT = (
    "This invitation no longer opens: it was used, withdrawn or sent anew, or its seven days are over. "
    "Ask whoever invited you to send it again."
)
LAST_ADMINISTRATOR = (
    "This is the last administrator of the clinic. Make somebody else administrator or principal first."
)
NOT_YOURSELF = "Nobody changes their own role. Ask another administrator of your clinic."
NOT_YOUR_OWN_FACTORS = (
    "Nobody resets their own second factor. Ask another administrator, or sign in with a code of your recovery kit."
)
LOST = {
    "phone": "Phone or computer lost or broken",
    "key": "Security key lost or broken",
    "replaced": "A new device, and the old one is gone",
    "misuse": "Somebody else may have had it in hand",
}
"""Why second factors are reset: words of a list, so that the memory holds no story about anybody."""
CHANGED = "This person's role has been changed since you opened the page. Look at what stands now."
NOT_THEIRS = "This invitation is for another address than the one you are signed in with. Sign out and open it again."
TAKEN = "There is an account with this address already. Sign in with it, then accept the invitation."
MANAGE = policy.Permission.MANAGE_MEMBERS


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What leaves the deed and is kept nowhere: the token for the mail, and which other administrators are told.

    They are told by mail when the invited person could let in others themself, so that nobody adds one unseen.
    """

    invitation: MemberInvitation
    token: str
    told: tuple[str, ...] = ()


@transaction.atomic
def found_clinic(
    *, name: str, zone_name: str, phone: str, after_hours_words: str, address: str, role: str, at: datetime
) -> Opening:
    """Make a clinic and invite the first person who will manage its members. For the owner of the tables, who sees all
    clinics.

    A clinic of this name that nobody has joined yet is not made twice: its first person gets a new invitation.
    """
    if MANAGE not in policy.PERMISSIONS[role]:
        raise Refused("The first person of a clinic has to be able to invite the others.")
    clinic = Clinic.objects.filter(name=name).first()
    if clinic is None:
        clinic = Clinic.objects.create(name=name, zone_name=zone_name, phone=phone, after_hours_words=after_hours_words)
    elif Membership.objects.filter(clinic=clinic).exists():
        raise Refused(
            "There is a clinic of this name, and people work in it: one of its administrators invites others."
        )
    return _invite(clinic.id, address, role, by=system(clinic.id), at=at)


@transaction.atomic
def invite(*, address: str, role: str, by: Actor, at: datetime) -> Opening:
    """Invite an address to work in the actor's clinic; an open invitation to it is replaced."""
    policy.check(by, MANAGE)
    _queue(by)
    return _invite(by.clinic_id, address, role, by=by, at=at)


def _invite(clinic_id: uuid.UUID | None, address: str, role: str, *, by: Actor, at: datetime) -> Opening:
    address = address.casefold()
    if Membership.objects.filter(clinic_id=clinic_id, ended_at=None, user__username__iexact=address).exists():
        raise Refused("Somebody with this address works in your clinic already. Change their role on the people page.")
    for earlier in selectors.open_invitations(clinic_id):
        if earlier.address == address:
            MemberInvitation.objects.filter(id=earlier.id, clinic_id=clinic_id).update(withdrawn_at=at)
    token = tokens.new_token()
    invitation = MemberInvitation.objects.create(
        clinic_id=clinic_id,
        address=address,
        role=role,
        token_digest=tokens.digest(token),
        invited_by_id=by.user_id,
        invited_at=at,
        expires_at=at + INVITATION_LASTS,
    )
    audit.record(by=by, at=at, action="membership.invite", subject=invitation.id, details={"role": role})
    return Opening(invitation=invitation, token=token, told=_told_of(clinic_id, role, by))


def _told_of(clinic_id: uuid.UUID | None, role: str, by: Actor) -> tuple[str, ...]:
    """The addresses of the clinic's other administrators, where the role is one of theirs."""
    if MANAGE not in policy.PERMISSIONS[role]:
        return ()
    others = selectors.administrators_of(clinic_id).exclude(user_id=by.user_id)
    return tuple(others.order_by("user__username").values_list("user__username", flat=True))


@transaction.atomic
def invite_again(*, invitation: MemberInvitation, by: Actor, at: datetime) -> Opening:
    """A new link for another week; the one that was mailed before no longer opens."""
    policy.check(by, MANAGE)
    _queue(by)
    _withdraw(invitation, by, at)
    return _invite(by.clinic_id, invitation.address, invitation.role, by=by, at=at)


@transaction.atomic
def withdraw(*, invitation: MemberInvitation, by: Actor, at: datetime) -> None:
    """The link that was mailed no longer opens."""
    policy.check(by, MANAGE)
    _queue(by)
    _withdraw(invitation, by, at)
    audit.record(by=by, at=at, action="membership.withdraw", subject=invitation.id)


def _withdraw(invitation: MemberInvitation, by: Actor, at: datetime) -> None:
    still_open = MemberInvitation.objects.filter(id=invitation.id, clinic_id=by.clinic_id, accepted_at=None)
    if not still_open.filter(withdrawn_at=None).update(withdrawn_at=at):
        raise Refused("This invitation has been accepted or withdrawn meanwhile.")


def invitation_mailed(*, invitation: MemberInvitation, at: datetime) -> None:
    """Remember that the mail server took the invitation."""
    with walls.acting(clinic=invitation.clinic_id):
        MemberInvitation.objects.filter(id=invitation.id, clinic_id=invitation.clinic_id).update(mailed_at=at)


def accept_as_new(*, token: str, name: str, password: str, by: Actor, at: datetime) -> User:
    """Make an account of the invited address and let it into the clinic. The password was judged by the form."""
    with transaction.atomic(), walls.acting(clinic=selectors.clinic_inviting(token)):
        invitation = _spendable(token, at)
        if selectors.user_with_address(invitation.address) is not None:
            raise Refused(TAKEN)
        try:
            with transaction.atomic():
                address = invitation.address
                user = User.objects.create_user(address, name=name, email=address, password=password)
        except IntegrityError as error:
            raise Refused(TAKEN) from error
        _let_in(invitation, user, by=by, at=at)
        return user


def accept(*, token: str, user: User, by: Actor, at: datetime) -> Membership:
    """Let an account of the invited address into the clinic."""
    with transaction.atomic(), walls.acting(clinic=selectors.clinic_inviting(token)):
        invitation = _spendable(token, at)
        if user.username.casefold() != invitation.address:
            raise Refused(NOT_THEIRS)
        return _let_in(invitation, user, by=by, at=at)


def _spendable(token: str, at: datetime) -> MemberInvitation:
    invitation = selectors.invitation_by_token(token, at=at)
    if invitation is None:
        raise Refused(SPENT)
    return invitation


def _let_in(invitation: MemberInvitation, user: User, *, by: Actor, at: datetime) -> Membership:
    """Spend the invitation by one conditional statement, so that of two takers one wins, and give the role."""
    with walls.acting(user=user.id):
        return _let_in_as_themself(invitation, user, by=by, at=at)


def _let_in_as_themself(invitation: MemberInvitation, user: User, *, by: Actor, at: datetime) -> Membership:
    # The clinic first, then the invitation, as whoever withdraws it does: of two at once neither waits for the other.
    Clinic.objects.select_for_update(no_key=True).get(id=invitation.clinic_id)
    this = MemberInvitation.objects.filter(id=invitation.id, clinic_id=invitation.clinic_id)
    if not this.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=at).update(accepted_at=at, accepted_by=user):
        raise Refused(SPENT)
    if Membership.objects.filter(user=user, clinic_id=invitation.clinic_id, ended_at=None).exists():
        raise Refused("You work in this clinic already.")
    membership = Membership.objects.create(user=user, clinic_id=invitation.clinic_id, role=invitation.role, began_at=at)
    taker = Actor(
        kind=Kind.MEMBER,
        clinic_id=invitation.clinic_id,
        label=user.name,
        user_id=user.id,
        role=invitation.role,
        request_id=by.request_id,
    )
    details = {"role": invitation.role, "invitation": str(invitation.id)}
    audit.record(by=taker, at=at, action="membership.accept", subject=user.id, details=details)
    return membership


@transaction.atomic
def change_role(*, membership_id: uuid.UUID, role: str, by: Actor, at: datetime) -> Membership:
    """Give a member another role, from this moment: their sessions end, and the next request meets the new one.

    The row of the old role is ended and stays.
    """
    policy.check(by, MANAGE)
    _queue(by)
    membership = _current(membership_id, by)
    if membership.role == role:
        return membership
    if membership.user_id == by.user_id:
        raise Refused(NOT_YOURSELF)
    if MANAGE not in policy.PERMISSIONS[role]:
        _check_another_administrator(membership)
    _end(membership, at)
    given = Membership.objects.create(
        user_id=membership.user_id, clinic_id=membership.clinic_id, role=role, began_at=at
    )
    details = {"from": membership.role, "to": role}
    audit.record(by=by, at=at, action="membership.role", subject=membership.user_id, details=details)
    sessions.end_all(user=membership.user, by=by, at=at)
    return given


@transaction.atomic
def end(*, membership_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """Let a member go, from this moment. What they did stays under their name."""
    policy.check(by, MANAGE)
    _queue(by)
    membership = _current(membership_id, by)
    _check_another_administrator(membership)
    _end(membership, at)
    details = {"role": membership.role}
    audit.record(by=by, at=at, action="membership.end", subject=membership.user_id, details=details)
    sessions.end_all(user=membership.user, by=by, at=at)


@dataclass(frozen=True, kw_only=True)
class Reset:
    """Whom a reset is told to: the member, and every other administrator of a clinic they work in, by address."""

    member: str
    name: str
    administrators: tuple[str, ...]


@transaction.atomic
def reset_second_factors(*, membership_id: uuid.UUID, reason: str, by: Actor, at: datetime) -> Reset:
    """Take away all second factors of a member who has lost them: with their password they make new ones.

    Never one's own: a factor that its owner may drop with a password alone would be none. `reason` is one of
    `LOST`. The caller mails those told of in the answer.
    """
    policy.check(by, MANAGE)
    _queue(by)
    membership = _current(membership_id, by)
    if membership.user_id == by.user_id:
        raise Refused(NOT_YOUR_OWN_FACTORS)
    removed, _ = Authenticator.objects.filter(user_id=membership.user_id).delete()
    details = {"reason": reason, "factors": removed}
    audit.record(by=by, at=at, action="factor.reset_for", subject=membership.user_id, details=details)
    sessions.end_all(user=membership.user, by=by, at=at)
    told = selectors.administrators_around(membership.user) - {membership.user.username}
    return Reset(member=membership.user.username, name=membership.user.name, administrators=tuple(sorted(told)))


def _queue(by: Actor) -> None:
    """Wait for the clinic's turn, and look again whether the actor still may: somebody may have been faster."""
    Clinic.objects.select_for_update(no_key=True).get(id=by.clinic_id)
    roles = Membership.objects.filter(user_id=by.user_id, clinic_id=by.clinic_id, ended_at=None)
    if not any(MANAGE in policy.PERMISSIONS[role] for role in roles.values_list("role", flat=True)):
        raise Refused("Your own role has been changed meanwhile. Nothing was done.")


def _current(membership_id: uuid.UUID, by: Actor) -> Membership:
    memberships = Membership.objects.filter(clinic_id=by.clinic_id, ended_at=None)
    membership = memberships.select_related("user").filter(id=membership_id).first()
    if membership is None:
        raise Stale(CHANGED)
    return membership


def _check_another_administrator(membership: Membership) -> None:
    if MANAGE not in policy.PERMISSIONS[membership.role]:
        return
    if not selectors.administrators_of(membership.clinic_id).exclude(id=membership.id).exists():
        raise Refused(LAST_ADMINISTRATOR)


def _end(membership: Membership, at: datetime) -> None:
    Membership.objects.filter(id=membership.id, clinic_id=membership.clinic_id, ended_at=None).update(ended_at=at)
