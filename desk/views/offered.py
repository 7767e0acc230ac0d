"""The templates a prescriber may sign by here."""

from django.http import HttpRequest

from titration.engine.protocol import Protocol
from titration.models import ProtocolVersion
from titration.selectors import courses as courses_selectors

Offered = dict[str, tuple[ProtocolVersion, Protocol]]


def templates(request: HttpRequest, *, child: bool = False) -> Offered:
    """What a new plan may be signed by, by the id of each row: the row and what it says. What goes by weight is for
    children.
    """
    versions = courses_selectors.protocols_for(request.actor)
    read = {str(version.id): (version, Protocol.from_json(version.body)) for version in versions}
    return {key: offered for key, offered in read.items() if child or not offered[1].needs_weight}


def templates_to_change_to(request: HttpRequest) -> Offered:
    """What a plan may go over to: none that goes by weight, asks first, halves the dose or
    leaves days out, each a plan of its own.
    """
    return {
        key: (version, protocol)
        for key, (version, protocol) in templates(request).items()
        if not (protocol.needs_weight or protocol.is_split or protocol.conditions or protocol.cycle)
    }
