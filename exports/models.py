"""An export is a job with an owner, a progress and an expiry. The queue only rings; this row is the truth."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common import history
from common.scoped import ScopedQuerySet
from patients.models import Patient


# Who asked for what, what came of it and whose nights it held; not how far the worker has come.
@history.tracked(leaving_out=["rows_total", "rows_done", "attempts", "lease", "lease_until"])
class Export(models.Model):
    """Nights as a tidy CSV, of one patient or of all the owner may see."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Being made"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"
        EXPIRED = "expired", "Expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, null=True, related_name="+")
    # Made by the form, so that the same click sent twice is one job.
    request_key = models.UUIDField(unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    requested_at = models.DateTimeField()
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    # Whose nights the finished file holds: what the memory must name each time the file is fetched.
    patient_ids = ArrayField(models.UUIDField(), default=list)
    error_class = models.CharField(max_length=60, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", lease__isnull=False, lease_until__isnull=False)
                | (~Q(state="running") & Q(lease=None, lease_until=None)),
                name="export_leased_exactly_while_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["done", "failed", "expired"], finished_at__isnull=False)
                | Q(state__in=["queued", "running"], finished_at=None),
                name="export_finished_exactly_when_over",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | (Q(expires_at__isnull=False) & ~Q(sha256="")),
                name="a_ready_export_has_an_expiry_and_a_hash",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-requested_at"], name="export_by_owner"),
            models.Index(fields=["state"], condition=~Q(state__in=["failed", "expired"]), name="export_still_to_tend"),
        ]

    def __str__(self) -> str:
        return str(self.id)
