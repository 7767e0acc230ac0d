"""What the site remembers of itself: no person stands in it."""

from django.db import models


class PolicyBreach(models.Model):
    """How often browsers reported on a day that the content security policy stopped this on this kind of page."""

    day = models.DateField()
    directive = models.CharField(max_length=100)
    blocked = models.CharField(max_length=100)
    page = models.CharField(max_length=200)
    times = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "directive", "blocked", "page"], name="one_row_per_breach_and_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.directive}"
