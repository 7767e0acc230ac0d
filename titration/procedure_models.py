"""Operations and procedures of a patient, and what the patient told on the days after."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common import history
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField
from patients.models import Patient
from titration.engine.procedure import LEAST_HOURS, MOST_HOURS, USUAL_HOURS


@history.tracked()
class Procedure(models.Model):
    """An operation or a procedure, by the patient's clock; without `time` only its day is known.

    It is open until it is cancelled or a prescriber says that it is over (`done_at`): no plan restarts before.
    `no_dose_from_on` is the first plan date without a dose, `last_dose_on` that of the last planned one, as last worked
    out. `opioid_free_since_on` is the first day without an opioid that the clinic knew of when it said that it is over;
    before, the days that were told of are counted.
    """

    class Opioids(models.TextChoices):
        YES = "yes", "Yes"
        NO = "no", "No"
        UNKNOWN = "unknown", "Not known"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="procedures")
    on = models.DateField()
    time = models.TimeField(null=True)
    words = SealedTextField("procedure.words", max_length=300)
    opioids_expected = models.CharField(max_length=10, choices=Opioids.choices)
    hours = models.PositiveSmallIntegerField(default=USUAL_HOURS)
    no_dose_from_on = models.DateField(null=True)
    last_dose_on = models.DateField(null=True)
    # Whether the last dose is as many hours before as it should be; not where the procedure was entered too late.
    in_time = models.BooleanField(default=True)
    opioid_free_since_on = models.DateField(null=True)
    opioids_taken = models.BooleanField(default=True)
    # Only short-acting opioids, for at most seven days.
    short_course = models.BooleanField(default=True)
    # Opioid-free days asked for after a short course: the clinic's number when it was entered, or one chosen since.
    days_needed = models.PositiveSmallIntegerField(null=True)
    reason = SealedTextField("procedure.reason", blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    cancelled_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cancelled_at=None) | Q(done_at=None), name="a_procedure_is_cancelled_or_done"
            ),
            models.CheckConstraint(
                condition=Q(hours__gte=LEAST_HOURS, hours__lte=MOST_HOURS), name="hours_before_a_procedure_in_reason"
            ),
        ]
        indexes = [models.Index(fields=["clinic", "patient", "-on"], name="procedure_by_patient")]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_open(self) -> bool:
        return self.cancelled_at is None and self.done_at is None


class ProcedureDay(models.Model):
    """Whether an opioid was taken on a day after a procedure, as told that day. The newest row of a day counts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="days")
    on = models.DateField()
    opioid = models.BooleanField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["procedure", "on", "-at"], name="procedure_day_newest_first")]
        triggers = append_only_triggers("procedure_day")

    def __str__(self) -> str:
        return str(self.id)
