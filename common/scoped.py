"""The first wall: asking a clinic's table for rows without saying whose is refused, before any SQL leaves.

A query is scoped when its conditions narrow it to a clinic, to a row that belongs to one (a patient, a prescription,
a phone …) or to who presents a secret. Conditions that only some rows must meet (one side of an OR) do not count, nor
do conditions that exclude. Django's own needs (following a foreign key, saving a row it has) go by the base manager,
which our code never touches.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Self

from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In, IsNull
from django.db.models.sql.where import AND, NothingNode, WhereNode


class Unscoped(Exception):
    """A query that could reach every clinic's rows; the name of the model is all it says."""


def exempt() -> bool:
    """Whether queries are let through as they are; never in the application (tests look on while nobody acts)."""
    return False


class ScopedQuerySet(models.QuerySet[Any]):
    """Rows of a table with a clinic. `Meta` of the model may not hide what it belongs to: the foreign keys say it.

    A model names further columns that narrow to one row's holder in `SCOPED_BY`, for example the digest of a secret.
    """

    spans_clinics = False

    def across_clinics(self) -> Self:
        """The worker's look over a whole queue, which holds ids and times; other code has no use for it."""
        found = self._chain()  # type: ignore[attr-defined]
        found.spans_clinics = True
        return found  # type: ignore[no-any-return]

    def _clone(self) -> Self:
        copy = super()._clone()  # type: ignore[misc]
        copy.spans_clinics = self.spans_clinics
        return copy  # type: ignore[no-any-return]

    def _check(self) -> None:
        if not self.spans_clinics and not self.query.is_empty() and not _narrows(self.query.where) and not exempt():
            raise Unscoped(f"Say whose {self.model.__name__} rows: filter by clinic, patient or the like.")

    def _fetch_all(self) -> None:
        if self._result_cache is None:  # type: ignore[has-type]
            self._check()
        super()._fetch_all()  # type: ignore[misc]

    def iterator(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        self._check()
        return super().iterator(*args, **kwargs)

    def count(self) -> int:
        self._check()
        return super().count()

    def exists(self) -> bool:
        self._check()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._check()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._check()
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        self._check()
        return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


def _narrows(condition: Any) -> bool:
    if isinstance(condition, NothingNode):
        return True
    if isinstance(condition, WhereNode):
        if condition.negated:
            return False
        some: Iterable[bool] = (_narrows(child) for child in condition.children)
        return any(some) if condition.connector == AND else bool(condition.children) and all(some)
    if not isinstance(condition, Exact | In | IsNull) or not isinstance(condition.lhs, Col):
        return False
    if isinstance(condition, IsNull) and not condition.rhs:
        return False
    return _says_whose(condition.lhs.target)


def _says_whose(field: "models.Field[Any, Any]") -> bool:
    if field.name in getattr(field.model, "SCOPED_BY", ()):
        return True
    related = field.related_model if field.many_to_one or field.one_to_one else None
    return isinstance(related, type) and (related.__name__ == "Clinic" or hasattr(related, "clinic"))
