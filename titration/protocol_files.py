"""Reads the protocol files, one TOML file a protocol, named by its id. The engine itself reads nothing."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from titration.engine.protocol import Protocol
from titration.engine.refusals import EngineRefusal

FOLDER = Path(__file__).parent / "protocols"


def load(path: Path) -> Protocol:
    """The protocol of one file; raises `EngineRefusal` with a sentence for a file that holds none."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EngineRefusal(f"{path.name} cannot be read: {error}.") from error
    protocol = Protocol.from_json(data)
    if protocol.id != path.stem:
        raise EngineRefusal(f"{path.name} holds {protocol.id}; a file is named by the protocol it holds.")
    return protocol


@functools.cache
def shipped() -> dict[str, Protocol]:
    """The protocols that come with this version, by id."""
    return {path.stem: load(path) for path in sorted(FOLDER.glob("*.toml"))}


@dataclass(frozen=True)
class NotShipped:
    """A published schedule that is not offered, and why."""

    id: str
    name: str
    why: str
    sources: tuple[str, ...]


@functools.cache
def not_shipped() -> dict[str, NotShipped]:
    """The published schedules left out, by id."""
    rows = tomllib.loads((FOLDER.parent / "not_shipped.toml").read_text(encoding="utf-8"))["rows"]
    return {row["id"]: NotShipped(row["id"], row["name"], row["why"], tuple(row["sources"])) for row in rows}


def find(protocol_id: str) -> Protocol:
    """The shipped protocol of that id; raises `EngineRefusal` with a sentence that says why not, or names those there
    are."""
    try:
        return shipped()[protocol_id]
    except KeyError:
        if left_out := not_shipped().get(protocol_id):
            raise EngineRefusal(f"{protocol_id} is not offered: {left_out.why}") from None
        raise EngineRefusal(f"There is no protocol {protocol_id[:40]!r}; there are {', '.join(shipped())}.") from None
