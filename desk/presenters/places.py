"""The ways through the clinic's pages: each member sees those their role may go."""

from dataclasses import dataclass

from accounts import policy
from accounts.actors import Actor

P = policy.Permission


@dataclass(frozen=True)
class Place:
    """A page of the navigation: `view` is its address by name, `under` how the names of the pages within it begin."""

    view: str
    words: str
    permission: policy.Permission
    under: str


PLACES = (
    Place("desk:home", "Today", P.READ_PATIENTS, "desk:home"),
    Place("desk:urgent", "Urgent", P.READ_PATIENTS, "desk:urgent"),
    Place("desk:patients", "Patients", P.READ_PATIENTS, "desk:patient"),
    Place("desk:pharmacies", "Pharmacies", P.KEEP_SUPPLY, "desk:pharmac"),
    Place("exports:list", "Exports", P.EXPORT, "exports:"),
    Place("desk:reminders", "Reminders", P.READ_PATIENTS, "desk:reminders"),
    Place("desk:people", "People", P.MANAGE_MEMBERS, "desk:people"),
    Place("desk:hours", "Hours and cover", P.KEEP_HOURS, "desk:hours"),
    Place("desk:memory", "Who did what", P.READ_MEMORY, "desk:memory"),
    Place("desk:retention", "Retention", P.ERASE, "desk:retention"),
    Place("desk:templates", "Templates", P.BELONG, "desk:template"),
    Place("desk:rules", "Rules", P.BELONG, "desk:rule"),
    Place("desk:emergency_reviews", "Emergency reviews", P.REVIEW_EMERGENCIES, "desk:emergency_review"),
)
LAST_RESORT = "desk:roles"


@dataclass(frozen=True)
class Way:
    """A place as one member sees it from one page."""

    view: str
    words: str
    here: bool


def ways(actor: Actor, *, here: str) -> list[Way]:
    """The navigation of this member on the page named `here`."""
    return [Way(place.view, place.words, here.startswith(place.under)) for place in _of(actor)]


def first(actor: Actor) -> str:
    """Where this member's day begins."""
    return next((place.view for place in _of(actor)), LAST_RESORT)


def _of(actor: Actor) -> list[Place]:
    return [place for place in PLACES if policy.may(actor, place.permission)]
