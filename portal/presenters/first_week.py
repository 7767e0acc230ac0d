"""The first nights at a dose: what is expected, and from which night on it is the clinic's to know."""

from dataclasses import dataclass
from datetime import date

from portal.words import FirstWeekWords
from titration.engine.timeline import Timeline


@dataclass(frozen=True)
class Watch:
    """What the patient reads about the night of the coming dose; `over` once the first week is."""

    heading: str
    says: str
    over: bool
    reviewed: bool


def watch(in_force: Timeline, on: date, words: FirstWeekWords) -> Watch | None:
    """The words for the night of a date; None on a day without a dose and when the dose is no longer new."""
    night = night_at_dose(in_force, on)
    if night is None or night > words.told_until:
        return None
    over = night > words.nights
    heading = words.over_heading if over else words.heading
    return Watch(heading.format(night=night), words.over if over else words.expected, over, words.reviewed)


def night_at_dose(in_force: Timeline, on: date) -> int | None:
    """Which night at its dose the date is, from 1; None without a dose.

    The count begins anew with every other dose, up or down, and after days without one; a hold changes nothing, and
    planned days off within a pattern are counted through.
    """
    began = None
    dose = None
    for segment in in_force:
        if segment.from_on > on:
            break
        if segment.dose is None:
            began, dose = None, None
        elif segment.dose != dose:
            began, dose = segment.from_on, segment.dose
    standing = next((segment for segment in in_force if segment.covers(on)), None)
    if standing is None or standing.dose_on(on) is None or began is None:
        return None
    return (on - began).days + 1
