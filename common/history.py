"""Every version of a row, kept by the database itself: whoever changes it, by whatever statement.

`@history.tracked()` over a model is all it takes. Triggers copy each new version into a table of its own, which may
only be added to; who acts and in which request is filled in by the database from what the door told it
(`common.walls.acting`), so a change made by hand in a console is kept too, with nobody's name.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Func, Value
from django.db.models.functions import Cast, NullIf
from pghistory.models import Event as PghistoryEvent


def _told(setting: str) -> Cast:
    """What the database was told in this transaction, as an id; NULL where it was told nothing."""
    said = Func(Value(setting), Value(True), function="current_setting", output_field=models.TextField())
    return Cast(NullIf(said, Value("")), models.UUIDField())


class Event(PghistoryEvent):
    """One version of a row: all it held, when it was written, who wrote it and in which request."""

    by_id = models.UUIDField(null=True, db_default=_told("app.user"))
    request_id = models.UUIDField(null=True, db_default=_told("app.request"))

    class Meta:
        abstract = True


class _Changed(pgtrigger.Condition):  # type: ignore[misc]
    """True when a column that is kept has changed. Plain SQL: a sealed column cannot be asked through the ORM."""

    def __init__(self, leaving_out: Sequence[str]) -> None:
        self.leaving_out = frozenset(leaving_out)
        super().__init__("OLD.* IS DISTINCT FROM NEW.*")

    def resolve(self, model: type[models.Model]) -> str:
        if not self.leaving_out:
            return str(self.sql)
        kept = [field.column for field in model._meta.local_fields if field.name not in self.leaving_out]  # noqa: SLF001
        old, new = (", ".join(f'{row}."{column}"' for column in kept) for row in ("OLD", "NEW"))
        return f"(({old}) IS DISTINCT FROM ({new}))"


def tracked(
    *, leaving_out: Sequence[str] = (), deletions: bool = False
) -> Callable[[type[models.Model]], type[models.Model]]:
    """Keep every version of this model's rows, without the columns `leaving_out`: digests of secrets, and what says
    nothing by itself. `deletions`: the application deletes such rows, so the last version is kept with that label.
    """
    trackers: list[Any] = [pghistory.InsertEvent(), pghistory.UpdateEvent(condition=_Changed(leaving_out))]
    if deletions:
        trackers.append(pghistory.DeleteEvent())
    track: Callable[[type[models.Model]], type[models.Model]] = pghistory.track(
        *trackers, exclude=list(leaving_out), append_only=True, context_field=None, base_model=Event
    )
    return track
