"""What a clinic decided about templates, its own and the shared ones."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField


class ProtocolDecision(models.Model):
    """One signed decision of a clinic about one version of a template. Appended, never altered.

    The newest `WITHDRAWN` or `OFFERED` of a code says whether it is offered; a code with neither is. `own` tells the
    clinic's code from a shared one that may come to be called the same. `strengths` are those that the pharmacy makes,
    as stated when the version was saved.
    """

    class Kind(models.TextChoices):
        SAVED = "saved", "Saved"
        REVIEWED = "reviewed", "Reviewed"
        WITHDRAWN = "withdrawn", "Taken out of use"
        OFFERED = "offered", "Offered again"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    protocol_version = models.ForeignKey(
        "titration.ProtocolVersion", on_delete=models.PROTECT, related_name="decisions"
    )
    code = models.CharField(max_length=40)
    own = models.BooleanField()
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    words = SealedTextField("protocol_decision.words", blank=True)
    strengths = models.JSONField(default=list)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "code", "own", "number"], name="one_decision_per_template_and_number"
            ),
            models.CheckConstraint(
                condition=~Q(kind="withdrawn") | ~Q(words=""), name="who_takes_a_template_out_of_use_says_why"
            ),
        ]
        triggers = append_only_triggers("protocol_decision")

    def __str__(self) -> str:
        return str(self.id)
