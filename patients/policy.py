"""What must stand on a patient's record before a plan is signed."""

from common.refusals import Refused
from patients.selectors_screening import Standing

NOT_SCREENED = (
    "This patient has not been screened. Confirm a screening first, or say on its page why the plan begins without one."
)


class NotScreened(Refused):
    """Refused because of what the screening says, or because there is none."""


def check_screened(standing: Standing, *, taking_already: bool) -> None:
    """Raise `NotScreened` unless a confirmed screening lets a plan be signed, or somebody said why there is none.

    Who takes it already may come without a screening; a stop on record holds for them all the same.
    """
    if standing.open_stops:
        raise NotScreened(f"The screening stops this plan. {_said(standing.open_stops[0].sentence)}")
    if standing.open_reasons:
        raise NotScreened(f"The screening asks for a reason first. {_said(standing.open_reasons[0].sentence)}")
    if standing.confirmed is None and standing.waived is None and not taking_already:
        raise NotScreened(NOT_SCREENED)


def _said(sentence: str) -> str:
    return f"{sentence} Its page says what can be decided."
