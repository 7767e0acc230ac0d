"""What the clinic's doors leave behind, and how long it is kept."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from patients.models import CareGrant, EmergencyTry, FreshCode, Invitation

KEPT = timedelta(days=30)
"""Long enough to answer "I never got it"; what happened stands in the memory: a choice of this project, grade E3."""


@transaction.atomic
def forget_spent(*, clinic_id: uuid.UUID, at: datetime) -> dict[str, int]:
    """Delete codes, invitations and counted tries that have opened nothing for thirty days. How many of each."""
    over = at - KEPT
    spent = {
        "codes": FreshCode.objects.filter(clinic_id=clinic_id, expires_at__lt=over),
        "invitations": Invitation.objects.filter(clinic_id=clinic_id).filter(
            Q(spent_at__lt=over) | Q(replaced_at__lt=over) | Q(expires_at__lt=over)
        ),
        "carers_not_come": CareGrant.objects.filter(
            clinic_id=clinic_id, opened_at=None, invitation_expires_at__lt=over
        ),
        "emergency_tries": EmergencyTry.objects.filter(clinic_id=clinic_id, at__lt=over),
    }
    return {name: rows.delete()[0] for name, rows in spent.items()}
