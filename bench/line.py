"""One measured figure and what it is to be held against."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """`figure` as printed; `against` names the target or the denominator of the same run."""

    what: str
    figure: str
    against: str = ""
