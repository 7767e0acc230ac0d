"""Who works in the clinic: letting people in, giving them roles, letting them go. And what the roles may do."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.access import clinic_page, not_signed_in, person_page, public_page, sign_in_with_new_password
from accounts.channels import member_mail
from accounts.models import MemberInvitation, Membership
from accounts.services import members
from common import clock
from common.refusals import Refused
from desk.forms.people import AcceptForm, InviteForm, LostForm, RoleForm
from desk.presenters import people as present

P = policy.Permission


@require_safe
@clinic_page(P.BELONG, action="roles.page")
def roles(request: HttpRequest) -> HttpResponse:
    """The table of permissions as the code has it."""
    return TemplateResponse(request, "desk/people_roles.html", {"table": present.role_table(request.actor)})


@require_safe
@clinic_page(P.MANAGE_MEMBERS, action="members.page")
def people(request: HttpRequest) -> HttpResponse:
    """Everybody who works here, and the invitations nobody has accepted yet."""
    at, actor = clock.now(), request.actor
    rows = accounts_selectors.members_of(actor)
    proved = accounts_selectors.with_second_factor(row.user_id for row in rows)
    invitations = accounts_selectors.open_invitations(actor.clinic_id)
    context = {
        "members": [present.member(row, actor=actor, with_second_factor=proved) for row in rows],
        "invitations": [present.invited(row, actor=actor, at=at) for row in invitations],
    }
    return TemplateResponse(request, "desk/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.MANAGE_MEMBERS, action="members.invite_page", step_up=True)
def invite(request: HttpRequest) -> HttpResponse:
    """Invite an address with a role; the mail goes once the invitation stands."""
    form, status = InviteForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                opening = members.invite(**form.cleaned_data, by=request.actor, at=clock.now())
            except Refused as refusal:
                form.add_error("address", refusal.sentence)
            else:
                _mail_once_it_stands(request, opening)
                return redirect("desk:people")
    return TemplateResponse(request, "desk/people_invite.html", {"form": form}, status=status)


@require_POST
@clinic_page(P.MANAGE_MEMBERS, action="members.invite_again", step_up=True)
def invite_again(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """A new link to the same address; the old one no longer opens."""
    invitation = _invitation(request, invitation_id)
    opening = members.invite_again(invitation=invitation, by=request.actor, at=clock.now())
    _mail_once_it_stands(request, opening)
    return redirect("desk:people")


@require_POST
@clinic_page(P.MANAGE_MEMBERS, action="members.withdraw")
def withdraw(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    members.withdraw(invitation=_invitation(request, invitation_id), by=request.actor, at=clock.now())
    messages.success(request, "The invitation is withdrawn: its link no longer opens.")
    return redirect("desk:people")


def _invitation(request: HttpRequest, invitation_id: uuid.UUID) -> MemberInvitation:
    invitation = accounts_selectors.invitation_of(request.actor, invitation_id)
    if invitation is None:
        raise Http404
    return invitation


def _mail_once_it_stands(request: HttpRequest, opening: members.Opening) -> None:
    transaction.on_commit(lambda: _mail(request, opening), robust=True)


def _mail(request: HttpRequest, opening: members.Opening) -> None:
    invitation, actor = opening.invitation, request.actor
    _tell_the_other_administrators(request, opening)
    taken = member_mail.invite(
        address=invitation.address,
        link=settings.BASE_URL + reverse("desk:join", kwargs={"member_token": opening.token}),
        clinic=actor.clinic_name,
        until=present.last_day(invitation, actor.clinic_zone),
    )
    if taken:
        members.invitation_mailed(invitation=invitation, at=clock.now())
        messages.success(request, "The invitation is on its way.")
    else:
        messages.error(
            request, "The invitation was not sent: the mail server did not take it. Send it again in a few minutes."
        )


def _tell_the_other_administrators(request: HttpRequest, opening: members.Opening) -> None:
    invitation, actor = opening.invitation, request.actor
    words = {
        "name": invitation.address,
        "by": actor.label,
        "clinic": actor.clinic_name,
        "role": Membership.Role(invitation.role).label.lower(),
    }
    taken = [member_mail.administrator_invited(address=address, **words) for address in opening.told]
    if not all(taken):
        messages.error(request, "Not every other administrator could be told by mail: tell them yourself.")


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.MANAGE_MEMBERS, action="members.member_page", step_up=True)
def member(request: HttpRequest, membership_id: uuid.UUID) -> HttpResponse:
    """One member: their role, and giving them another."""
    membership = _membership(request, membership_id)
    form, status = RoleForm(initial={"role": membership.role}), 200
    if request.method == "POST":
        form, status = RoleForm(request.POST), 422
        if form.is_valid():
            try:
                role = form.cleaned_data["role"]
                given = members.change_role(membership_id=membership.id, role=role, by=request.actor, at=clock.now())
            except Refused as refusal:
                form.add_error("role", refusal.sentence)
                status = 409
            else:
                if given.id != membership.id:
                    messages.success(request, _changed(membership, given))
                return redirect("desk:people")
    return _member_page(request, membership, form, status)


def _changed(before: Membership, after: Membership) -> str:
    return (
        f"{before.user.name} is {Membership.Role(after.role).label.lower()} now, and was signed out everywhere: "
        "signing in again they meet the new role."
    )


def _member_page(
    request: HttpRequest, membership: Membership, form: RoleForm, status: int, lost: LostForm | None = None
) -> HttpResponse:
    actor = request.actor
    proved = accounts_selectors.with_second_factor([membership.user_id])
    context: dict[str, Any] = {
        "member": present.member(membership, actor=actor, with_second_factor=proved),
        "earlier": [present.earlier_role(row, actor=actor) for row in accounts_selectors.earlier_roles(membership)],
        "form": form,
        "lost": lost or LostForm(),
    }
    return TemplateResponse(request, "desk/people_member.html", context, status=status)


@require_POST
@clinic_page(P.MANAGE_MEMBERS, action="members.end", step_up=True)
def end(request: HttpRequest, membership_id: uuid.UUID) -> HttpResponse:
    """Let a member go."""
    membership = _membership(request, membership_id)
    members.end(membership_id=membership.id, by=request.actor, at=clock.now())
    messages.success(request, f"{membership.user.name} no longer works here, and was signed out everywhere.")
    return redirect("desk:people")


@require_POST
@clinic_page(P.MANAGE_MEMBERS, action="members.lost_device", step_up=True)
def lost_device(request: HttpRequest, membership_id: uuid.UUID) -> HttpResponse:
    """Reset the second factors of a member who lost them, and tell them and every other administrator."""
    membership = _membership(request, membership_id)
    form = LostForm(request.POST)
    if not form.is_valid():
        return _member_page(request, membership, RoleForm(initial={"role": membership.role}), 422, lost=form)
    reset = members.reset_second_factors(
        membership_id=membership.id, reason=form.cleaned_data["reason"], by=request.actor, at=clock.now()
    )
    transaction.on_commit(lambda: _tell_of_reset(request, reset), robust=True)
    return redirect("desk:people")


def _tell_of_reset(request: HttpRequest, reset: members.Reset) -> None:
    actor = request.actor
    words = {"name": reset.name, "by": actor.label, "clinic": actor.clinic_name}
    others = [address for address in reset.administrators if address != request.user.username]
    told = [member_mail.factors_reset(address=reset.member, theirs=True, **words)]
    told += [member_mail.factors_reset(address=address, theirs=False, **words) for address in others]
    if all(told):
        messages.success(request, f"Reset. {reset.name} signs in with the password and makes a new second factor.")
    else:
        messages.error(
            request,
            f"Reset, but not every mail was taken by the mail server: tell {reset.name} and the others yourself.",
        )


@require_http_methods(["GET", "HEAD", "POST"])
@person_page(action="clinic.choose")
def choose_clinic(request: HttpRequest) -> HttpResponse:
    """In which of their clinics this person acts from now on, in this browser."""
    places = accounts_selectors.clinics_of(request.user)
    if request.method == "POST":
        chosen = next((place for place in places if str(place.clinic_id) == request.POST.get("clinic")), None)
        if chosen is None:
            raise Http404
        request.session["clinic"] = str(chosen.clinic_id)
        return redirect(settings.LOGIN_REDIRECT_URL)
    context = {"places": [present.working_place(place, actor=request.actor) for place in places]}
    return TemplateResponse(request, "desk/people_clinics.html", context)


def _membership(request: HttpRequest, membership_id: uuid.UUID) -> Membership:
    membership = accounts_selectors.member_of(request.actor, membership_id)
    if membership is None:
        raise Http404
    return membership


@require_http_methods(["GET", "HEAD", "POST"])
@public_page("an invitation to work in a clinic, held by its secret")
def join(request: HttpRequest, member_token: str) -> HttpResponse:
    """Looking changes nothing; accepting makes the account or asks for its sign-in."""
    at = clock.now()
    invitation = accounts_selectors.invitation_by_token(member_token, at=at)
    if invitation is None:
        return TemplateResponse(request, "desk/people_join_closed.html", {"sentence": members.SPENT}, status=404)
    known = accounts_selectors.user_with_address(invitation.address)
    if known is not None:
        return _join_as_known(request, invitation, member_token)
    form, status = AcceptForm(request.POST if request.method == "POST" else None, address=invitation.address), 200
    if request.method == "POST":
        status = 422
        if not request.user.is_authenticated and form.is_valid():
            values = {"name": form.cleaned_data["name"], "password": form.cleaned_data["password"]}
            user = members.accept_as_new(token=member_token, **values, by=request.actor, at=at)
            return sign_in_with_new_password(request, user)
    return _join_page(request, invitation, status, form=form)


def _join_as_known(request: HttpRequest, invitation: MemberInvitation, member_token: str) -> HttpResponse:
    """The address has an account: only who is signed in with it may take the invitation."""
    theirs = request.user.is_authenticated and request.user.username.casefold() == invitation.address
    if request.method == "POST" and theirs:
        if not_yet := not_signed_in(request):
            return not_yet
        members.accept(token=member_token, user=request.user, by=request.actor, at=clock.now())
        request.session["clinic"] = str(invitation.clinic_id)
        messages.success(request, f"You work in {invitation.clinic.name} now.")
        return redirect(settings.LOGIN_REDIRECT_URL)
    return _join_page(request, invitation, 422 if request.method == "POST" else 200, theirs=theirs)


def _join_page(request: HttpRequest, invitation: MemberInvitation, status: int, **context: Any) -> HttpResponse:
    role = Membership.Role(invitation.role)
    words = {"role": role.label, "for_whom": policy.FOR_WHOM[role], "until": invitation.expires_at}
    return TemplateResponse(
        request, "desk/people_join.html", {"invitation": invitation, **words, **context}, status=status
    )
