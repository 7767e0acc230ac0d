"""Deeds about people, by noun: register, correct the contact, invite, let a phone in, prove, forget a phone."""

from patients.services.codes import make_code, try_code
from patients.services.contact import change_contact
from patients.services.invitations import (
    SPENT,
    LetIn,
    Opening,
    count_try,
    invitation_mailed,
    invite,
    open_invitation,
)
from patients.services.phones import forget_phone, patient_actor
from patients.services.registering import LOG_REMINDER_AT, ConditionEntry, register, sort_key

__all__ = [
    "LOG_REMINDER_AT",
    "SPENT",
    "ConditionEntry",
    "LetIn",
    "Opening",
    "change_contact",
    "count_try",
    "forget_phone",
    "invitation_mailed",
    "invite",
    "make_code",
    "open_invitation",
    "patient_actor",
    "register",
    "sort_key",
    "try_code",
]
