"""Who acts: the `by` of every deed."""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


class Kind(enum.StrEnum):
    MEMBER = "member"
    PATIENT = "patient"
    CARER = "carer"
    SYSTEM = "system"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person or the system, acting in one clinic, during one request or task.

    `label` is how history names them ("Dr …", "the patient", "the system"); `patient_id` is set for a patient and for
    a carer, who acts for that one patient with the `rights` of a grant ("view" or "log"); `clinic_name` and
    `clinic_zone` for a member: the clinic's pages have their heading and their "today" from them.
    `at` is when their request began: a right that lasts for minutes is asked of it. Outside a request there is none,
    and no such right. `address` and `agent` say where the request came from: an IP address, and a short hash of what
    the browser says it is.
    """

    kind: Kind
    clinic_id: uuid.UUID | None
    label: str
    user_id: uuid.UUID | None = None
    role: str = ""
    patient_id: uuid.UUID | None = None
    rights: str = ""
    request_id: uuid.UUID | None = None
    at: datetime | None = None
    address: str | None = None
    agent: str | None = None
    clinic_name: str = ""
    clinic_zone: ZoneInfo | None = None


def system(clinic_id: uuid.UUID) -> Actor:
    """The program itself, acting by a rule that a person chose."""
    return Actor(kind=Kind.SYSTEM, clinic_id=clinic_id, label="the system")


NOBODY = Actor(kind=Kind.SYSTEM, clinic_id=None, label="nobody")
