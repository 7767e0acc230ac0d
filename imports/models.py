"""A table of patients that a clinic brought along: staged and sealed, then accepted, discarded or undone.

The table itself lies here only until it is decided on, and at most until it expires.
"""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common import history
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField
from patients.models import Patient
from titration.models import Prescription

TABLE_INDEX = "import.table_index"
ROW_INDEX = "imported_row.row_index"


# The table is personal data of people who may never become patients here: no version of it outlives it.
@history.tracked(leaving_out=["table", "table_index"])
class Import(models.Model):
    """One table, by whom and when it was brought, and what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    # The cells as JSON; empty once it is decided on or has expired.
    table = SealedTextField("import.table", blank=True)
    # A keyed digest of the cells: the same table brought twice is one import.
    table_index = models.CharField(max_length=64)
    rows_total = models.PositiveIntegerField()
    brought_at = models.DateTimeField()
    brought_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    patients_made = models.PositiveIntegerField(default=0)
    plans_made = models.PositiveIntegerField(default=0)
    discarded_at = models.DateTimeField(null=True)
    discarded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    undone_because = SealedTextField("import.undone_because", blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "table_index"],
                condition=Q(discarded_at=None, undone_at=None),
                name="one_import_per_clinic_and_table",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None, accepted_by=None)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="an_accepted_import_says_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None, discarded_at=None) | Q(table=""), name="a_decided_import_keeps_no_table"
            ),
            models.CheckConstraint(
                condition=Q(discarded_at=None) | Q(accepted_at=None), name="an_import_is_accepted_or_discarded"
            ),
            models.CheckConstraint(
                condition=Q(undone_at=None, undone_by=None)
                | Q(undone_at__isnull=False, undone_by__isnull=False, accepted_at__isnull=False),
                name="only_an_accepted_import_is_undone",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("brought_at")), name="an_import_expires_after_it_is_brought"
            ),
        ]
        indexes = [models.Index(fields=["clinic", "-brought_at"], name="import_by_clinic")]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(leaving_out=["row_index"])
class ImportedRow(models.Model):
    """A patient that an import made, and how their record stood when it had. A row is imported once.

    `row_index` is a keyed digest of who the row is about. `patient_version` and `change_sequence` are the patient's
    when the import was done: where they differ, somebody has changed something since.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    source = models.ForeignKey(Import, on_delete=models.PROTECT, related_name="rows")
    number = models.PositiveIntegerField()
    row_index = models.CharField(max_length=64)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, null=True, related_name="+")
    patient_version = models.PositiveIntegerField()
    change_sequence = models.BigIntegerField()
    undone_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="one_patient_per_import_and_row"),
            models.UniqueConstraint(
                fields=["clinic", "row_index"], condition=Q(undone_at=None), name="a_row_is_imported_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
