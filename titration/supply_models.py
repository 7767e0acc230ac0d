"""What was dispensed, by whom it is made, and the prescriptions on paper that ask for it."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Clinic, User
from common import history
from common.append_only import append_only_triggers
from common.fields import DoseField, dose_within_limits
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField
from patients.models import Patient
from titration.engine.formulation import Form


@history.tracked()
class Pharmacy(models.Model):
    """A compounding pharmacy in the clinic's directory. One that is no longer asked stays readable in old rows."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    fax = SealedTextField("pharmacy.fax", max_length=40, blank=True)
    email = SealedTextField("pharmacy.email", max_length=254, blank=True)
    compounds = SealedTextField("pharmacy.compounds", max_length=500, blank=True)
    left_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "name"], condition=Q(left_at=None), name="one_pharmacy_per_clinic_and_name"
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class Fill(models.Model):
    """One lot of one strength that a patient was given. A wrong row is withdrawn with a reason, never altered.

    `units` are capsules, tablets, drops or mL; `grain` is the smallest part of one that is taken (1/2 of a scored
    tablet, the smallest measurable volume). `beyond_use_on` is the last day it may be taken. `price` is of all units.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="fills")
    pharmacy = models.ForeignKey(Pharmacy, on_delete=models.PROTECT, null=True, related_name="fills")
    on = models.DateField()
    form = models.CharField(max_length=12, choices=[(form.value, form.value) for form in Form])
    strength = DoseField()
    grain = models.DecimalField(max_digits=6, decimal_places=3)
    units = models.DecimalField(max_digits=9, decimal_places=3)
    # As written on the label, and as labels are compared: without case and spaces.
    lot = models.CharField(max_length=60, blank=True)
    lot_key = models.CharField(max_length=60, blank=True)
    beyond_use_on = models.DateField(null=True)
    filler = SealedTextField("fill.filler", max_length=120, blank=True)
    price = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_because = SealedTextField("fill.withdrawn_because", blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            dose_within_limits("strength", "fill_strength_within_limits"),
            models.CheckConstraint(condition=Q(units__gt=0, grain__gt=0), name="a_fill_holds_something"),
            models.CheckConstraint(
                condition=Q(beyond_use_on=None) | Q(beyond_use_on__gte=F("on")), name="a_fill_may_be_taken_when_given"
            ),
            models.CheckConstraint(condition=Q(price=None) | Q(price__gte=0), name="a_price_is_not_below_zero"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_because="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_because="")),
                name="a_withdrawn_fill_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "on"], name="fill_by_patient_and_date"),
            models.Index(fields=["clinic", "lot_key"], condition=~Q(lot_key=""), name="fill_by_clinic_and_lot"),
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class PrescriptionPaper(models.Model):
    """A prescription as it is printed: all its words as they were when it was drafted, and how far it has come.

    `course_version` is the version of the course it was written from. What happened to it stands in its `events`;
    `state` is where they have led. `number` counts the papers of a course from 1.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        SIGNED = "signed", "Signed"
        SENT = "sent", "Sent to the pharmacy"
        RECEIVED = "received", "Received by the pharmacy"
        READY = "ready", "Ready to collect or posted"
        VOID = "void", "Void"

    MOVES: ClassVar[dict[str, frozenset[str]]] = {
        State.DRAFT: frozenset({State.SIGNED, State.VOID}),
        State.SIGNED: frozenset({State.SENT, State.VOID}),
        State.SENT: frozenset({State.RECEIVED, State.READY, State.VOID}),
        State.RECEIVED: frozenset({State.READY, State.VOID}),
        State.READY: frozenset(),
        State.VOID: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="papers")
    prescription = models.ForeignKey("titration.Prescription", on_delete=models.PROTECT, related_name="papers")
    number = models.PositiveIntegerField()
    course_version = models.PositiveIntegerField()
    formulation = models.JSONField()
    nights = models.PositiveSmallIntegerField()
    refills = models.PositiveSmallIntegerField()
    pharmacy = models.ForeignKey(Pharmacy, on_delete=models.PROTECT, null=True, related_name="papers")
    content = SealedTextField("prescription_paper.content")
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    drafted_at = models.DateTimeField()
    drafted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(null=True)
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prescription", "number"], name="one_paper_per_prescription_and_number"),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None) | Q(signed_at__isnull=False, signed_by__isnull=False),
                name="a_signature_has_a_name_and_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="void") | Q(state="draft", signed_at=None) | Q(signed_at__isnull=False),
                name="only_a_signed_prescription_leaves",
            ),
            models.CheckConstraint(
                condition=Q(nights__gte=1, refills__lte=12), name="a_prescription_is_for_some_nights"
            ),
        ]
        indexes = [models.Index(fields=["patient", "-drafted_at"], name="paper_by_patient_newest_first")]

    def __str__(self) -> str:
        return str(self.id)


class PaperEvent(models.Model):
    """One thing that happened to a prescription on paper: a move of its state, or a printing with its file's hash."""

    PRINTED = "printed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    paper = models.ForeignKey(PrescriptionPaper, on_delete=models.PROTECT, related_name="happened")
    kind = models.CharField(max_length=10, choices=[*PrescriptionPaper.State.choices, (PRINTED, "Printed")])
    sha256 = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="printed") | ~Q(sha256=""), name="a_printing_has_the_hash_of_its_file"
            )
        ]
        triggers = append_only_triggers("paper_event")

    def __str__(self) -> str:
        return str(self.id)
