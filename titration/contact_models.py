"""What the clinic does to reach a patient: attempts, a colleague asked, instructions, a day to see them."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common import history
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField
from patients.models import Patient


class ContactAttempt(models.Model):
    """One try to reach a patient, and what came of it. Appended, never altered."""

    class Kind(models.TextChoices):
        CALL = "call", "Call"
        MESSAGE = "message", "Message"
        VISIT = "visit", "Visit"

    class Outcome(models.TextChoices):
        REACHED = "reached", "Reached"
        NO_ANSWER = "no_answer", "No answer"
        LEFT_WORD = "left_word", "Left word"
        WRONG = "wrong", "Wrong number or address"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="contact_attempts", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    words = SealedTextField("contact_attempt.words", blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "-at"], name="contact_attempt_by_patient")]
        triggers = append_only_triggers("contact_attempt")

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class Referral(models.Model):
    """A patient passed to a colleague with a question, until somebody has closed it. One at a time for a patient."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="referrals")
    to = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    words = SealedTextField("referral.words")
    at = models.DateTimeField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    by_label = models.CharField(max_length=200)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=Q(closed_at=None), name="one_open_referral_per_patient"
            )
        ]
        indexes = [
            models.Index(fields=["clinic", "at", "patient"], condition=Q(closed_at=None), name="open_referral_by_date")
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class InstructionText(models.Model):
    """Words a clinic wrote for its patients, to be sent as they stand. One no longer used stays in old instructions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=60)
    words = models.TextField()
    left_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "name"], condition=Q(left_at=None), name="one_instruction_text_per_clinic_and_name"
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class Instruction(models.Model):
    """A clinic's words to one patient, as they were sent, and when the patient's page showed them (`read_at`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="instructions", db_index=False)
    text = models.ForeignKey(InstructionText, on_delete=models.PROTECT, related_name="+", db_index=False)
    words = SealedTextField("instruction.words")
    sent_at = models.DateTimeField()
    sent_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    by_label = models.CharField(max_length=200)
    read_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["patient", "-sent_at"], name="instruction_by_patient"),
            models.Index(
                fields=["clinic", "sent_at", "patient"], condition=Q(read_at=None), name="unread_instruction_by_date"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(deletions=True)
class VisitDay(models.Model):
    """A patient marked to be seen on a day, by whom."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="visit_days")
    clinician = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    on = models.DateField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patient", "on"], name="one_visit_per_patient_and_day")]
        indexes = [models.Index(fields=["clinic", "on"], name="visit_by_clinic_and_day")]

    def __str__(self) -> str:
        return str(self.id)
