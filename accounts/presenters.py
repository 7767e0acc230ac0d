"""Words for the pages about one's own sign-in."""

import re
from dataclasses import dataclass
from datetime import datetime

from accounts.selectors import SignedIn

# The first that fits names it: most browsers also claim to be the ones after them.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone|iPad", "an iPhone or iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Browser:
    """One line of the list of sessions."""

    reference: str
    name: str
    address: str
    began_at: datetime
    seen_at: datetime
    here: bool


def browser(session: SignedIn) -> Browser:
    """The browser of a session in words a person knows it by."""
    return Browser(
        session.reference,
        browser_name(session.agent),
        session.address,
        session.began_at,
        session.seen_at,
        session.here,
    )


def browser_name(agent: str) -> str:
    """What a browser says of itself, in short: "Firefox on Linux"."""
    program = next((name for mark, name in BROWSERS if re.search(mark, agent)), "An unknown browser")
    system = next((name for mark, name in SYSTEMS if re.search(mark, agent)), None)
    return f"{program} on {system}" if system else program
