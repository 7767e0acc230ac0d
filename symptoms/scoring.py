"""Small sums over what patients tell. Pure: no rows, no clock."""

from decimal import Decimal


def counts_as_log(*, taken: str | None, sleep_hours: Decimal | None, lead_symptom: int | None) -> bool:
    """Whether a night is evidence for a step: dose, sleep and lead symptom were told (clinical facts 6.1)."""
    return taken in ("taken", "skipped") and sleep_hours is not None and lead_symptom is not None
