"""What the cellar itself has to remember."""

from django.db import models


class SealedTally(models.Model):
    """How many texts of a column each key seals, as last counted. `key_id` is empty for texts never sealed.

    Whoever asks for health may see no clinic's row; this table names no clinic and no person.
    """

    table_and_column = models.CharField(max_length=130)
    key_id = models.CharField(max_length=24, blank=True)
    texts = models.PositiveBigIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["table_and_column", "key_id"], name="one_tally_per_column_and_key")
        ]

    def __str__(self) -> str:
        return f"{self.table_and_column} {self.key_id}"
