"""Laboratory values of a patient."""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models import Clinic, User
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet


class LabResult(models.Model):
    """One value as the laboratory reported it, with its own reference range. Appended, never altered.

    A wrong one is corrected by a row that `replaces` it, with the right value; or with none, where it should never have
    been entered. What was replaced stays readable and counts for nothing.
    """

    class Comparator(models.TextChoices):
        """Of a result that is an end, as FHIR's Quantity names them: the value lies on that side of it."""

        BELOW = "<", "below"
        AT_MOST = "<=", "at most"
        AT_LEAST = ">=", "at least"
        ABOVE = ">", "above"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="lab_results")
    code = models.CharField(max_length=20)
    unit = models.CharField(max_length=30)
    # Null only in a correction that takes a value back.
    value = models.DecimalField(max_digits=10, decimal_places=3, null=True)
    # "" where the value itself was reported.
    comparator = models.CharField(max_length=2, choices=Comparator.choices, blank=True, default="", db_default="")
    low = models.DecimalField(max_digits=10, decimal_places=3, null=True)
    high = models.DecimalField(max_digits=10, decimal_places=3, null=True)
    taken_on = models.DateField()
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(value__isnull=False) | Q(replaces__isnull=False), name="only_a_correction_has_no_value"
            ),
            models.CheckConstraint(
                condition=Q(comparator="") | (Q(comparator__in=["<", "<=", ">=", ">"]) & Q(value__isnull=False)),
                name="a_lab_comparator_is_of_a_value",
            ),
            models.CheckConstraint(condition=Q(value=None) | Q(value__gte=0), name="a_lab_value_is_not_below_zero"),
            models.CheckConstraint(
                condition=Q(low=None) | Q(high=None) | Q(low__lte=F("high")), name="a_reference_range_is_in_order"
            ),
        ]
        indexes = [models.Index(fields=["clinic", "patient", "code", "-taken_on"], name="lab_by_patient_and_test")]
        triggers = append_only_triggers("lab_result")

    def __str__(self) -> str:
        return str(self.id)
