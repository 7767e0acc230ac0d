"""Tables without foreign keys: what happened must outlive, and never disturb, the rows it speaks of."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from common.append_only import append_only_triggers


class AuditEvent(models.Model):
    """Who did or saw what, of which patients, when, why, with what result: ids and codes, never words of care.

    The table has one column more, `written_in`: the transaction that wrote the row, filled in by the database alone
    and read by the sealer. An added column must be able to be empty: see `audit.chain.canonical`.
    """

    class Result(models.TextChoices):
        DONE = "done"
        DENIED = "denied"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    clinic_id = models.UUIDField(null=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    role = models.CharField(max_length=20, blank=True)
    action = models.CharField(max_length=60)
    patient_ids = ArrayField(models.UUIDField(), default=list)
    subject_id = models.UUIDField(null=True)
    reason = models.TextField(blank=True)
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.DONE)
    request_id = models.UUIDField(null=True)
    details = models.JSONField(default=dict)
    # Where the request came from, as our own proxies saw it, and a short hash of what its browser says it is.
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=16, null=True)
    # How many rows of care the answer held, where somebody counted them.
    row_count = models.PositiveIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["clinic_id", "at"], name="audit_by_clinic_and_time"),
            GinIndex(fields=["patient_ids"], name="audit_by_patient"),
        ]
        triggers = append_only_triggers("audit")

    def __str__(self) -> str:
        return f"{self.action} {self.id}"


class Seal(models.Model):
    """One event's place in its clinic's chain: its number, the hash before it and its own.

    Events of no clinic have a chain of their own. `finished_below` is the sealer's mark: every transaction with a lower
    number had ended when this was sealed, so nothing below it can still turn up.
    """

    event_id = models.UUIDField(primary_key=True)
    clinic_id = models.UUIDField(null=True)
    number = models.BigIntegerField()
    previous = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    finished_below = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic_id", "number"], name="one_seal_per_clinic_and_number", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="seals_are_numbered_from_one"),
        ]
        triggers = append_only_triggers("audit_seal")

    def __str__(self) -> str:
        return str(self.event_id)
