"""Time zones as people choose them: names of places, from the zone table of the tz database."""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

from common.refusals import Refused


@cache
def names() -> tuple[str, ...]:
    """Every canonical zone name ("Europe/London") and UTC, in order; aliases such as "GB" are left out."""
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    listed = {line.split("\t")[2] for line in table.splitlines() if line and not line.startswith("#")}
    return (*sorted(listed & available_timezones()), "UTC")


def parse(typed: str) -> ZoneInfo:
    """The zone a person typed: its name in any case, or its city alone where only one zone bears it.

    Raises `Refused` with a sentence for what is no zone.
    """
    wanted = "_".join(typed.split()).casefold()
    exact = [name for name in names() if name.casefold() == wanted]
    by_city = [name for name in names() if name.rpartition("/")[2].casefold() == wanted]
    found = exact or by_city
    if not found:
        raise Refused("That is not a time zone we know. Choose one from the list, like Europe/London.")
    if len(found) > 1:
        raise Refused(f"That could be {' or '.join(found)}. Choose one from the list.")
    return ZoneInfo(found[0])
