"""One table, no foreign keys: what happened must outlive, and never disturb, the rows it speaks of."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from common.append_only import append_only_triggers


class AuditEvent(models.Model):
    """Who did or saw what, of which patients, when, why, with what result: ids and codes, never words of care."""

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

    class Meta:
        indexes = [
            models.Index(fields=["clinic_id", "at"], name="audit_by_clinic_and_time"),
            GinIndex(fields=["patient_ids"], name="audit_by_patient"),
        ]
        triggers = append_only_triggers("audit")

    def __str__(self) -> str:
        return f"{self.action} {self.id}"
