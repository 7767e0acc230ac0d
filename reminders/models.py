"""What is owed to whom (`Occurrence`), the outbox (`Reminder`), each try (`Attempt`), and whether the clock lives."""

import uuid

import pgtrigger
from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet
from patients.models import Patient
from reminders.states import FINAL, LEASED, LEGAL_MOVES, State
from titration.models import Prescription


class Occurrence(models.Model):
    """One thing to say to one patient on one local date; its key makes a second one impossible."""

    class Kind(models.TextChoices):
        STEP_EVE = "step_eve", "The evening before a step"
        NIGHT_LOG = "night_log", "The night is not logged yet"
        MESSAGE = "message", "Something from the clinic to read"

    class State(models.TextChoices):
        PLANNED = "planned"
        # Its time passed while nobody could send: charts must not show it as the patient's silence.
        SKIPPED_OUTAGE = "skipped_outage"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # The date it is about: the first date of the step, or the night to be logged.
    about_on = models.DateField()
    # The promise is wall time in a zone; `due_at` is what that came to when it was planned.
    local_time = models.TimeField()
    zone_name = models.CharField(max_length=64)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.PLANNED)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "kind", "about_on"], name="one_occurrence_per_patient_kind_and_date"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("due_at")), name="an_occurrence_expires_later"),
        ]
        indexes = [models.Index(fields=["clinic", "due_at", "id"], name="occurrence_by_clinic_and_due")]

    def __str__(self) -> str:
        return str(self.id)


class ReminderQuerySet(ScopedQuerySet):
    def unsettled(self) -> "ReminderQuerySet":
        """Rows whose story is not over; every index of work to do is over these."""
        return self.filter(done_at=None)


class Reminder(models.Model):
    """One message of one occurrence over one channel: at most once. Its `id` is the Message-ID.

    Claiming changes no column that an index reads, and pages leave room for it: a claim is then a change in place,
    whose cost does not grow with the table.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    occurrence = models.ForeignKey(Occurrence, on_delete=models.PROTECT, related_name="reminders", db_index=False)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in State], default=State.PENDING)
    next_at = models.DateTimeField()
    not_after = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    error_class = models.CharField(max_length=60, blank=True)
    done_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["occurrence", "channel"], name="one_reminder_per_occurrence_and_channel"),
            models.CheckConstraint(condition=Q(state__in=sorted(State)), name="a_reminder_is_in_a_known_state"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(LEASED), lease__isnull=False, lease_until__isnull=False)
                | (~Q(state__in=sorted(LEASED)) & Q(lease=None, lease_until=None)),
                name="leased_exactly_while_claimed_or_sending",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(FINAL), done_at__isnull=False)
                | (~Q(state__in=sorted(FINAL)) & Q(done_at=None)),
                name="done_exactly_when_final",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(done_at=None), name="reminder_due"),
            models.Index(fields=["not_after"], condition=Q(done_at=None), name="reminder_going_stale"),
            models.Index(fields=["clinic"], condition=Q(done_at=None), name="reminder_unsettled_by_clinic"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="reminder_legal_moves",
                field="state",
                transitions=[(str(a), str(b)) for a, moves in LEGAL_MOVES.items() for b in sorted(moves)],
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class Attempt(models.Model):
    """One try to hand a message over. Written when it begins; what came of it is a second row."""

    class Outcome(models.TextChoices):
        BEGUN = "begun"
        SENT = "sent"
        REFUSED_FOR_NOW = "refused_for_now"
        FAILED = "failed"
        UNCERTAIN = "uncertain"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    reminder = models.ForeignKey(Reminder, on_delete=models.PROTECT, related_name="tries")
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    error_class = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reminder", "number", "outcome"], name="one_row_per_try_and_outcome")
        ]
        indexes = [
            models.Index(
                fields=["clinic", "at"], condition=Q(outcome__in=["failed", "uncertain"]), name="attempt_in_trouble"
            )
        ]
        triggers = append_only_triggers("attempt")

    def __str__(self) -> str:
        return str(self.id)


class UrgentItem(models.Model):
    """Something about one patient that a person must look at now. Until somebody opens it, one contact after another is
    told; it is closed when what it is about is answered.
    """

    class Code(models.TextChoices):
        OPIOID_REPORT = "opioid_report", "Opioid question answered yes"
        FINDING = "finding", "Urgent alert"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=20, choices=Code.choices)
    # The row it is about: a report, a finding.
    subject_id = models.UUIDField()
    raised_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    closed_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "subject_id"], name="one_urgent_item_per_subject"),
            models.CheckConstraint(
                condition=Q(opened_at=None, opened_by=None) | Q(opened_at__isnull=False, opened_by__isnull=False),
                name="an_opened_item_says_by_whom",
            ),
        ]
        indexes = [models.Index(fields=["clinic", "raised_at"], condition=Q(closed_at=None), name="urgent_item_open")]

    def __str__(self) -> str:
        return str(self.id)


class UrgentNotice(models.Model):
    """One person told of one urgent item over one channel, at most once a round. Its `id` is the message's own name.

    The states are those of a reminder. `escalates_at` is when the next contact is told, whatever became of this one.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        SMS = "sms", "Text message"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(UrgentItem, on_delete=models.PROTECT, related_name="notices", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    round = models.PositiveSmallIntegerField()
    planned_at = models.DateTimeField()
    escalates_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in State], default=State.PENDING)
    next_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    error_class = models.CharField(max_length=60, blank=True)
    done_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "user", "channel", "round"], name="one_notice_per_item_person_channel_and_round"
            ),
            models.CheckConstraint(condition=Q(state__in=sorted(State)), name="a_notice_is_in_a_known_state"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(LEASED), lease__isnull=False, lease_until__isnull=False)
                | (~Q(state__in=sorted(LEASED)) & Q(lease=None, lease_until=None)),
                name="a_notice_is_leased_while_claimed_or_sending",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(FINAL), done_at__isnull=False)
                | (~Q(state__in=sorted(FINAL)) & Q(done_at=None)),
                name="a_notice_is_done_when_final",
            ),
        ]
        indexes = [models.Index(fields=["next_at"], condition=Q(done_at=None), name="urgent_notice_due")]
        triggers = [
            pgtrigger.FSM(
                name="notice_legal_moves",
                field="state",
                transitions=[(str(a), str(b)) for a, moves in LEGAL_MOVES.items() for b in sorted(moves)],
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class Heartbeat(models.Model):
    """When a part of the clock was last alive, by the database's own time. Silence is a hazard someone must see.

    `oldest_due_at` is what the last round left waiting the longest, `oldest_doubt_at` since when a reminder may not
    have arrived and nobody has looked into it; null when there is none. Of URGENT, `oldest_due_at` is since when
    something urgent lies unopened although everybody on its list was told and had their time. A page cannot look
    behind the clinics' walls, so the round writes down what all of them must know.
    """

    class Name(models.TextChoices):
        BEAT = "beat"
        WORKER = "worker"
        ROUND = "round"
        PLAN = "plan"
        URGENT = "urgent"

    name = models.CharField(primary_key=True, max_length=20, choices=Name.choices)
    at = models.DateTimeField()
    oldest_due_at = models.DateTimeField(null=True)
    oldest_doubt_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Breaker(models.Model):
    """A channel whose server does not answer is left alone for a while: knocking costs time and no reminder a try."""

    channel = models.CharField(primary_key=True, max_length=10, choices=Reminder.Channel.choices)
    failures_in_a_row = models.PositiveSmallIntegerField(default=0)
    open_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.channel
