"""What the rules found, put on record; how far each patient has been judged; and what a clinic set and reviewed."""

import json
import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common import history
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet
from common.sealed import BlindIndexField, SealedTextField
from patients.models import Patient
from titration.engine.advice.finding import Block, Tier

ASKED_ONCE = ("R15",)
"""Rules that ask about what happened once: whoever has accepted such a finding has asked; it closes nothing more."""


class FindingQuerySet(ScopedQuerySet):
    def standing(self) -> "FindingQuerySet":
        """Those whose rule has fired ever since, open or answered."""
        return self.filter(over_at=None)

    def waiting(self) -> "FindingQuerySet":
        """Those that nobody has answered."""
        return self.filter(state=Finding.State.OPEN)

    def closing(self, what: Block) -> "FindingQuerySet":
        """Those that keep this from happening: open ones, and accepted ones while their rule fires."""
        keeping = Q(state=Finding.State.OPEN) | Q(state=Finding.State.ACCEPTED) & ~Q(rule__in=ASKED_ONCE)
        return self.standing().filter(keeping, blocks__contains=[what.value])


# The index says again what the key says.
@history.tracked(leaving_out=["key_index"])
class Finding(models.Model):
    """One rule's finding about one thing, with the words, numbers and thresholds it was raised on. Never deleted.

    An open finding follows its facts: as long as its rule fires, day, sentence and data are those of the last
    judgement, and every version is kept. `over_at` is when the rule ceased to fire; until then an answered finding
    keeps the same thing from being raised again. `blocks` and `offers` are those of the engine; `used` are the
    thresholds it was held against, by name.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        DISMISSED = "dismissed", "Dismissed"
        EXPIRED = "expired", "No longer so"
        SUPERSEDED = "superseded", "Replaced by a newer one"

    ANSWERED: ClassVar[tuple[str, ...]] = (State.ACCEPTED, State.DISMISSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="findings")
    prescription = models.ForeignKey("titration.Prescription", on_delete=models.PROTECT, null=True, related_name="+")
    rule = models.CharField(max_length=10)
    rule_version = models.PositiveIntegerField()
    part = models.CharField(max_length=40)
    # What names the thing it is about: it may hold what the patient wrote.
    key = SealedTextField("finding.key")
    key_index = BlindIndexField("key")
    tier = models.CharField(max_length=20, choices=[(tier.value, tier.value) for tier in Tier])
    # The tier's place, from 0, the most urgent: what lists are ordered by.
    place = models.PositiveSmallIntegerField()
    # The date of the latest fact it rests on.
    day = models.DateField()
    # The words and numbers may hold what the patient wrote.
    sentence = SealedTextField("finding.sentence")
    patient_sentence = SealedTextField("finding.patient_sentence", blank=True)
    data_sealed = SealedTextField("finding.data")
    blocks = models.JSONField(default=list)
    used = models.JSONField(default=dict)
    offers = models.JSONField(default=list)
    raised_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    closed_by_label = models.CharField(max_length=200, blank=True)
    closed_because = SealedTextField("finding.closed_because", blank=True)
    accepted_by_change = models.ForeignKey(
        "titration.PlanChange", on_delete=models.PROTECT, null=True, related_name="accepted_findings"
    )
    over_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = FindingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "key_index"],
                condition=Q(over_at=None),
                name="one_standing_finding_per_patient_and_key",
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None, over_at=None)
                | Q(state__in=["accepted", "dismissed"], closed_at__isnull=False)
                | Q(state__in=["expired", "superseded"], closed_at__isnull=False, over_at__isnull=False),
                name="a_closed_finding_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="dismissed") | ~Q(closed_because=""), name="a_dismissed_finding_says_why"
            ),
            models.CheckConstraint(
                condition=Q(accepted_by_change=None) | Q(state="accepted"), name="only_an_accepted_finding_has_its_deed"
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "place", "raised_at"], condition=Q(state="open"), name="open_finding_by_urgency"
            ),
            # What waits for a decision, longest first: the places of the tiers of `worklist.DECIDED`.
            models.Index(
                fields=["clinic", "raised_at", "patient"],
                condition=Q(state="open", place__in=[2, 3, 4, 6, 7]),
                name="open_finding_to_decide",
            ),
            models.Index(
                fields=["clinic", "-closed_at"], condition=Q(state="dismissed"), name="dismissed_finding_by_date"
            ),
            models.Index(fields=["patient", "raised_at"], name="finding_by_patient_and_date"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def severity(self) -> Tier:
        return Tier(self.tier)

    @property
    def data(self) -> dict[str, Any]:
        """The numbers and dates it rests on, as JSON has them."""
        found: dict[str, Any] = json.loads(self.data_sealed)
        return found

    @property
    def closes_nothing(self) -> bool:
        """Whether a person has answered it so that it keeps nothing from happening any more."""
        asked = self.state == self.State.ACCEPTED and self.rule in ASKED_ONCE
        return asked or self.state == self.State.DISMISSED

    @property
    def closes_the_step(self) -> bool:
        return Block.STEP.value in self.blocks

    @property
    def closes_the_start(self) -> bool:
        return Block.START.value in self.blocks


class Judged(models.Model):
    """How far a patient has been judged: up to which change, on which of the patient's dates, by which book.

    `again_at` is the next midnight where the patient is at which the rules may say otherwise (`engine.advice.quiet`);
    null where no date will change anything.
    """

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, primary_key=True, related_name="judged")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    change_sequence = models.BigIntegerField()
    judged_on = models.DateField()
    judged_at = models.DateTimeField()
    again_at = models.DateTimeField(null=True)
    rules_version = models.PositiveIntegerField()
    settings_number = models.PositiveIntegerField()
    # Whether the rules let the next step happen: yes, no, insufficient data.
    step = models.CharField(max_length=20)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["clinic", "again_at"], name="judged_by_next_midnight")]

    def __str__(self) -> str:
        return str(self.patient_id)


class RuleSettings(models.Model):
    """The thresholds as a clinic set them, all that differ from the book's, from a moment on. The highest number holds.

    `chosen` are decimals as text, by the threshold's name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    chosen = models.JSONField(default=dict)
    reason = SealedTextField("rule_settings.reason")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "number"], name="one_rule_settings_per_clinic_and_number"),
            models.CheckConstraint(condition=~Q(reason=""), name="rule_settings_say_why"),
        ]
        triggers = append_only_triggers("rule_settings")

    def __str__(self) -> str:
        return str(self.id)


class RuleReview(models.Model):
    """That a clinician of this clinic has read the rules as printed, and put their name to it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    book_version = models.PositiveIntegerField()
    # Of the book as the clinic had set it: what was read, to the letter.
    fingerprint = models.CharField(max_length=64)
    settings_number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    licence = models.CharField(max_length=80)
    words = SealedTextField("rule_review.words", blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name="") & ~Q(licence=""), name="a_rule_review_names_who_read")
        ]
        indexes = [models.Index(fields=["clinic", "-at"], name="rule_review_by_clinic")]
        triggers = append_only_triggers("rule_review")

    def __str__(self) -> str:
        return str(self.id)
