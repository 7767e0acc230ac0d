"""What the clinic's day is found by: when a course wants looking at, tags, and the views a person keeps."""

import uuid

from django.db import models

from accounts.models import Clinic, User
from common import history
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField
from patients.models import Patient


class Watch(models.Model):
    """When the clinic wants to look at an open course: a projection beside it, so that nobody is searched for.

    `heard_on` is the last night told of the course, or the date before its first; the database itself raises it with
    every night that is told. `nightly`: the plan still climbs, so each night is expected; at a dose that goes on none
    is. `decide_on` is the first date on which somebody has to decide: a review, the end of the steps, or the day by
    which the question of a trial is to be answered.
    """

    prescription = models.OneToOneField(
        "titration.Prescription", on_delete=models.PROTECT, primary_key=True, related_name="watch"
    )
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    heard_on = models.DateField()
    nightly = models.BooleanField()
    decide_on = models.DateField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["clinic", "heard_on", "patient"], condition=models.Q(nightly=True), name="watch_by_last_night"
            ),
            models.Index(
                fields=["clinic", "decide_on", "patient"],
                condition=models.Q(decide_on__isnull=False),
                name="watch_by_decision",
            ),
        ]

    def __str__(self) -> str:
        return str(self.prescription_id)


class DoseClarified(models.Model):
    """A clinician found out what was really taken where another dose was told than was prescribed. Appended, never
    altered. It answers for what had been told by `at` of the nights up to `up_to`; what is told of them afterwards,
    and what is told of later ones, is asked about anew.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+", db_index=False)
    prescription = models.ForeignKey("titration.Prescription", on_delete=models.PROTECT, related_name="+")
    up_to = models.DateField()
    words = SealedTextField("dose_clarified.words")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "up_to"], name="dose_clarified_by_patient")]
        triggers = append_only_triggers("dose_clarified")

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class Tag(models.Model):
    """A word of the clinic's by which it groups patients."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=40)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clinic", "name"], name="one_tag_per_clinic_and_name")]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(deletions=True)
class PatientTag(models.Model):
    """A tag on a patient."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="tags")
    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, related_name="on_patients", db_index=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "patient"], name="one_tag_once_on_a_patient")]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(deletions=True)
class SavedView(models.Model):
    """A way of looking at the day that a member keeps under a name: which filters stand how."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=40)
    # The filters as the page's address carries them: ids and codes, never words about a patient.
    filters = models.JSONField(default=dict)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clinic", "user", "name"], name="one_view_per_person_and_name")]

    def __str__(self) -> str:
        return str(self.id)
