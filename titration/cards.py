"""The words of an emergency card, read once from the reviewed file beside this module, and the card as plain data."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from common.drug_names import tall_man


@dataclass(frozen=True)
class Scanned:
    """What whoever scans a card reads about the person in front of them."""

    say: str
    helpers: tuple[str, ...]
    unlogged: str
    none: str


@dataclass(frozen=True)
class Wallet:
    """The few words of the wallet-size card, front and back."""

    front: str
    assume: str
    back: tuple[str, ...]


@dataclass(frozen=True)
class CardWords:
    """What to say to an ambulance, what helpers must know, and what somebody who took both must not do."""

    title: str
    heading: str
    say: str
    helpers: tuple[str, ...]
    yours_heading: str
    yours: tuple[str, ...]
    scan: str
    scanned: Scanned
    wallet: Wallet
    reviewed: bool


@cache
def words() -> CardWords:
    """The card's words as the file has them: no name, no dose."""
    raw = tomllib.loads(tall_man((Path(__file__).parent / "emergency_card.toml").read_text("utf-8")))
    scanned, wallet = raw["scanned"], raw["wallet"]
    return CardWords(
        title=raw["title"],
        heading=raw["heading"],
        say=raw["say"],
        helpers=tuple(raw["helpers"]),
        yours_heading=raw["yours_heading"],
        yours=tuple(raw["yours"]),
        scan=raw["scan"],
        scanned=Scanned(scanned["say"], tuple(scanned["helpers"]), scanned["unlogged"], scanned["none"]),
        wallet=Wallet(wallet["front"], wallet["assume"], tuple(wallet["back"])),
        reviewed=raw["review"] != "pending",
    )


def paper(said: CardWords, *, name: str, phone: str, urgent_phone: str, made: str, code: str) -> dict[str, Any]:
    """The card for the press, one page and wallet size. `code` is a drawing in SVG; `name` "" unless it is wanted."""
    return {
        "title": said.title,
        "say": said.say,
        "helpers": list(said.helpers),
        "name": name,
        "phone": f"{phone}, when closed {urgent_phone}" if urgent_phone else phone,
        "made": made,
        "scan": said.scan,
        "code": code,
        "front": said.wallet.front,
        "assume": said.wallet.assume,
        "back": list(said.wallet.back),
        "notes": [
            "Cut the small card out along its edge and fold it once.",
            "Lost it? Switch it off on your page “My emergency cards”, or ask your clinic to.",
            *([] if said.reviewed else ["The words of this card still wait for a clinician’s review."]),
        ],
    }
