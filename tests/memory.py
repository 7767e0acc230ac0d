"""What the memory holds, for tests: they read it here and nowhere else, since the application itself may not."""

from typing import Any

from audit.models import AuditEvent
from common import walls


def events(**where: Any) -> list[AuditEvent]:
    """The events of which all of this is true, oldest first."""
    with walls.taking(walls.AUDITOR_ROLE):
        return list(AuditEvent.objects.filter(**where).order_by("at"))


def event(**where: Any) -> AuditEvent:
    """The only event of which all of this is true."""
    (found,) = events(**where)
    return found
