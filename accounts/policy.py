"""What each role may do. The table below is the whole truth; the page "Roles" and docs/roles.md are made from it.

`check_x` raises with the sentence a person reads, `may_x` turns it into a yes or no.
"""

import enum

from accounts.actors import Actor, Kind
from accounts.models import Membership
from common.refusals import Refused


class Permission(enum.StrEnum):
    """One thing a role may do; the value is the sentence shown to who may not."""

    READ_PATIENTS = "read patients' records"
    REGISTER_PATIENTS = "register patients and invite them"
    IMPORT = "import patients from a table"
    PRESCRIBE = "prescribe, step and stop plans"
    EDIT_PROTOCOLS = "write the clinic's own templates"
    HOLD = "hold a plan"
    ANSWER_OPIOID_REPORT = "answer an opioid report"
    SETTLE_REMINDERS = "settle reminders that may not have arrived"
    SCREEN = "confirm screenings"
    LOG_BY_PHONE = "write down a night that a patient tells by telephone"
    KEEP_CONTACT = "note contacts, tag patients and pass them to a colleague"
    EDIT_CONSENTS = "publish the clinic's own consent text"
    KEEP_SUPPLY = "record what was dispensed and keep the pharmacies"
    KEEP_MEDICINES = "keep the patients' lists of medicines"
    RECORD_RESULTS = "record questionnaires and laboratory values"
    EXPORT = "export data"
    RESTRICT_RECORDS = "restrict a record to named colleagues"
    BREAK_GLASS = "open a restricted record in an emergency"
    REVIEW_EMERGENCIES = "review emergency access"
    READ_MEMORY = "read who saw and changed what"
    MANAGE_MEMBERS = "manage members, their roles and their lost devices"
    KEEP_HOURS = "keep the clinic's hours, who covers whom and who is told of something urgent"
    ERASE = "erase records whose time is over"
    BELONG = "see the roles and look after their own sign-in"


P = Permission
ROLES = Membership.Role
_CARE = frozenset({P.READ_PATIENTS, P.REGISTER_PATIENTS, P.SETTLE_REMINDERS, P.BELONG})
_CARE |= {P.KEEP_CONTACT, P.KEEP_SUPPLY, P.KEEP_MEDICINES, P.RECORD_RESULTS}
_DECIDES = frozenset(
    {
        *(P.PRESCRIBE, P.EDIT_PROTOCOLS, P.EDIT_CONSENTS, P.HOLD, P.SCREEN, P.ANSWER_OPIOID_REPORT),
        *(P.RESTRICT_RECORDS, P.BREAK_GLASS),
    }
)
_PRESCRIBER = _CARE | {P.LOG_BY_PHONE} | _DECIDES | {P.EXPORT, P.IMPORT}
_AUDITOR = frozenset({P.READ_MEMORY, P.REVIEW_EMERGENCIES, P.BELONG})
_ADMINISTRATOR = frozenset({P.MANAGE_MEMBERS, P.KEEP_HOURS, P.EDIT_PROTOCOLS, P.EDIT_CONSENTS, P.ERASE, P.BELONG})
PERMISSIONS: dict[str, frozenset[Permission]] = {
    ROLES.PRESCRIBER: _PRESCRIBER,
    ROLES.NURSE: _CARE | {P.LOG_BY_PHONE, P.HOLD, P.SCREEN, P.BREAK_GLASS},
    ROLES.STAFF: _CARE | {P.EXPORT, P.IMPORT},
    ROLES.AUDITOR: _AUDITOR,
    ROLES.ADMINISTRATOR: _ADMINISTRATOR,
    ROLES.PRINCIPAL: _PRESCRIBER | _AUDITOR | _ADMINISTRATOR,
}
FOR_WHOM: dict[str, str] = {
    ROLES.PRESCRIBER: "Signs plans and answers for them.",
    ROLES.NURSE: "Cares for patients between the prescriber's decisions.",
    ROLES.STAFF: "Registers patients, brings tables of them in and takes data out.",
    ROLES.AUDITOR: "Watches who looked at what, and reads no record.",
    ROLES.ADMINISTRATOR: "Lets people in and out, and reads no record.",
    ROLES.PRINCIPAL: "Prescriber, auditor and administrator in one, for a practice of one person or led by one.",
}


def check(actor: Actor, permission: Permission) -> None:
    """Raise `Refused` with a sentence unless this member's role carries the permission."""
    if actor.kind != Kind.MEMBER or permission not in PERMISSIONS.get(actor.role, frozenset()):
        raise Refused(f"Your role in this clinic may not {permission.value}. Ask an administrator of your clinic.")


def may(actor: Actor, permission: Permission) -> bool:
    """The same question as `check`, answered yes or no."""
    try:
        check(actor, permission)
    except Refused:
        return False
    return True


def roles_with(permission: Permission) -> list[str]:
    """The roles that carry the permission, in the order of the table."""
    return [role for role, carried in PERMISSIONS.items() if permission in carried]
