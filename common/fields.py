"""Database fields for the cellar's own types."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from common.dose import Dose


class DoseField(models.DecimalField):  # type: ignore[type-arg]
    """A column of exact milligrams that is a `Dose` in Python: numeric(6, 3), so 0.001 mg to 999.999 mg.

    Range is a CHECK of the model's, not of the field's.
    """

    description = "Dose in milligrams"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 6)
        kwargs.setdefault("decimal_places", 3)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Decimal | None, expression: object, connection: object) -> Dose | None:
        return None if value is None else Dose.of(value)

    def to_python(self, value: Any) -> Dose | None:
        if value is None or isinstance(value, Dose):
            return value
        raise ValidationError("A dose is a Dose, never a bare number or a text.")

    def get_prep_value(self, value: Any) -> Decimal | None:
        if isinstance(value, Dose):
            return value.mg
        if value is None or isinstance(value, Decimal):
            return value
        raise TypeError("A dose is a Dose, never a bare number or a text.")

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if hasattr(value, "as_sql"):
            return value
        exact = self.get_prep_value(value)
        return connection.ops.adapt_decimalfield_value(exact, self.max_digits, self.decimal_places)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return self.get_db_prep_value(value, connection)

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else value.text


def dose_within_limits(column: str, name: str) -> models.CheckConstraint:
    """The database's last word on a dose: above nothing, at most 10 mg (beyond that it is not LDN)."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{column}__isnull": True})
        | models.Q(**{f"{column}__gt": Decimal(0), f"{column}__lte": Decimal(10)}),
        name=name,
    )
