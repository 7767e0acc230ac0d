"""What a high dose asks of whoever prescribes it, the same on every page and in every deed.

up to 4.5 mg   nothing more: almost all practice sources stop here
above 4.5 mg   a reason
above 6 mg     a reason and a second confirmation: no trial went higher
above 10 mg    refused: not low-dose naltrexone

Sources: clinical facts 1.5 (grade E3, from E1 and E2 sources named there) and the limits decided for this product.
"""

from enum import StrEnum

from common.dose import HARD_CEILING, SOFT_CEILING, Dose, in_words
from common.drug_names import NALTREXONE
from common.refusals import Refused

CONFIRMED_CEILING = Dose.of("6")
"""Above this a prescriber confirms a second time: the highest dose that trials tested and found tolerated."""


class Asks(StrEnum):
    """What a dose asks before it can be signed."""

    NOTHING = "nothing"
    REASON = "reason"
    REASON_AND_CONFIRMATION = "reason and confirmation"
    REFUSED = "refused"


def asks(dose: Dose) -> Asks:
    """What this dose asks for."""
    if dose > HARD_CEILING:
        return Asks.REFUSED
    if dose > CONFIRMED_CEILING:
        return Asks.REASON_AND_CONFIRMATION
    return Asks.REASON if dose > SOFT_CEILING else Asks.NOTHING


def warning(dose: Dose) -> str:
    """What the dose asks for, as a sentence beside it; empty where it asks nothing."""
    match asks(dose):
        case Asks.REFUSED:
            return f"{dose} is more than {HARD_CEILING}, which is not low-dose {NALTREXONE}."
        case Asks.REASON_AND_CONFIRMATION:
            return f"{dose} is above {CONFIRMED_CEILING}, the highest dose tested: say why, and confirm it once more."
        case Asks.REASON:
            return f"{dose} is above {SOFT_CEILING}, where almost everybody stops: say why."
        case _:
            return ""


def check_high_dose(dose: Dose, *, reason: str, confirmed: bool) -> None:
    """Raise `Refused` unless what the dose asks for was given. `confirmed` is the second confirmation."""
    asked = asks(dose)
    if asked is Asks.REFUSED or (asked is not Asks.NOTHING and not reason.strip()):
        raise Refused(warning(dose))
    if asked is Asks.REASON_AND_CONFIRMATION and not confirmed:
        raise Refused(f"Confirm once more that {dose}, {in_words(dose)}, is meant: it is above {CONFIRMED_CEILING}.")
