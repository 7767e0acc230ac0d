"""What a course is tried for, and what came of it."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField


class TrialEntry(models.Model):
    """What a course is to show and by when, asked by a prescriber; or the answer. Appended, never altered.

    The newest question is the one that is open, unless an answer came after it.
    """

    class Kind(models.TextChoices):
        ASKED = "asked", "Asked"
        ANSWERED = "answered", "Answered"

    class Outcome(models.TextChoices):
        HELPED = "helped", "It helped enough: the course goes on"
        UNCLEAR = "unclear", "Not clear yet: it is tried for longer"
        NOT_ENOUGH = "not_enough", "It did not help enough"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    prescription = models.ForeignKey("titration.Prescription", on_delete=models.PROTECT, related_name="trial_entries")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    question = SealedTextField("trial_entry.question", blank=True)
    lead_symptom = SealedTextField("trial_entry.lead_symptom", blank=True)
    criterion = SealedTextField("trial_entry.criterion", blank=True)
    # The prescriber's own weighing of benefit and risk.
    reasoning = SealedTextField("trial_entry.reasoning", blank=True)
    decide_on = models.DateField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    words = SealedTextField("trial_entry.words", blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["prescription", "number"], name="one_trial_entry_per_prescription_and_number"
            ),
            models.CheckConstraint(
                condition=Q(kind="asked", outcome="", decide_on__isnull=False)
                | (Q(kind="answered", decide_on=None) & ~Q(outcome="")),
                name="a_trial_is_asked_with_a_date_and_answered_with_an_outcome",
            ),
        ]
        triggers = append_only_triggers("trial_entry")

    def __str__(self) -> str:
        return str(self.id)
