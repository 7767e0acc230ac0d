"""Questions about exports. Only who asked for one may know of it."""

import uuid
from datetime import datetime

from django.db.models import QuerySet

from accounts.actors import Actor, Kind
from exports.models import Export


def own(actor: Actor) -> QuerySet[Export]:
    """The exports this member asked for in the clinic they act in, newest first."""
    if actor.kind != Kind.MEMBER:
        return Export.objects.none()
    mine = Export.objects.filter(owner_id=actor.user_id, clinic_id=actor.clinic_id)
    return mine.select_related("patient", "clinic").order_by("-requested_at", "id")


def fetchable(actor: Actor, export_id: uuid.UUID, *, at: datetime) -> Export | None:
    """The actor's own export, if it is ready and has not expired."""
    return own(actor).filter(id=export_id, state=Export.State.DONE, expires_at__gt=at).first()
