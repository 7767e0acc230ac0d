"""The templates a prescriber may sign by here."""

from django.http import HttpRequest

from titration.engine.protocol import Protocol
from titration.models import ProtocolVersion
from titration.selectors import courses as courses_selectors

Offered = dict[str, tuple[ProtocolVersion, Protocol]]


def templates(request: HttpRequest) -> Offered:
    """By the id of their row: the row and what it says."""
    versions = courses_selectors.protocols_for(request.actor)
    read = {str(version.id): (version, Protocol.from_json(version.body)) for version in versions}
    return {key: offered for key, offered in read.items() if _is_asked_for_here(offered[1])}


def _is_asked_for_here(protocol: Protocol) -> bool:
    """Whether the form asks, and the schedule shows, all that this template says."""
    return not (protocol.needs_weight or protocol.is_split or protocol.conditions or protocol.cycle)
