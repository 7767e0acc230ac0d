"""What a patient reads of a procedure."""

from dataclasses import dataclass

from common.drug_names import NALTREXONE
from portal.presenters.days import day
from titration.selectors.procedures import Standing

_TOLD = "your clinic tells you to begin again"


@dataclass(frozen=True)
class ProcedureWords:
    """`not_yet`: no dose is to be taken. `asks`: whether an opioid was taken today is to be answered; `told` says what
    was answered today, empty where nothing was.
    """

    heading: str
    says: str
    not_yet: bool
    asks: bool
    told: str


def words(standing: Standing | None) -> ProcedureWords | None:
    """The words of the day; None where no procedure is open."""
    if standing is None:
        return None
    procedure, today = standing.procedure, standing.today
    if standing.has_come:
        told = {
            None: "",
            True: "You told us today: you took an opioid painkiller.",
            False: "You told us today: no opioid painkiller.",
        }
        return ProcedureWords(
            heading="After your procedure: not yet",
            says=f"Take no low-dose {NALTREXONE} until {_TOLD}. It waits until you have "
            "been free of opioid painkillers for some days.",
            not_yet=True,
            asks=True,
            told=told[standing.told_today],
        )
    on, begins = day(procedure.on), procedure.no_dose_from_on
    if begins is not None and today >= begins:
        return ProcedureWords(
            heading=f"Before your procedure on {on}: not yet",
            says=f"Take no low-dose {NALTREXONE} before it, nor after it until {_TOLD}. "
            "Tell everybody there that you take it, and when you took it last.",
            not_yet=True,
            asks=False,
            told="",
        )
    last = ""
    if procedure.last_dose_on:
        last = f"Take your last dose before it on {day(procedure.last_dose_on)}, then none until {_TOLD}. "
    return ProcedureWords(
        heading=f"Your procedure on {on}",
        says=f"{last}Tell everybody there that you take low-dose {NALTREXONE}.",
        not_yet=False,
        asks=False,
        told="",
    )
