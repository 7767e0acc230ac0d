"""Look-alike names, told apart by tall letters: nalTREXone is taken, naLOXone is the antidote to opioids.

The method is that of the lists of the US Food and Drug Administration and of the Institute for Safe Medication
Practices (ismp.org, "Look-Alike Drug Names with Recommended Tall Man Letters"): letters that differ stand tall.
Their rows for these names were not open to us when this was written; the letters are those in general use, to be
compared with the lists before release. Methylnaltrexone has no tall letters of its own: its beginning tells it apart,
and tall letters inside it would make it look like the drug it is confused with.
"""

import re

NALTREXONE, NALOXONE, METHYLNALTREXONE = "nalTREXone", "naLOXone", "methylnaltrexone"

_TALL = {name.lower(): name for name in (NALTREXONE, NALOXONE, METHYLNALTREXONE)}
_NAMES = re.compile(r"\b(?:methyl)?nal(?:trex|ox)one\b", re.IGNORECASE)


def tall_man(words: str) -> str:
    """The words with each of these names in its tall letters, as whole words only; all else is as it was."""
    return _NAMES.sub(lambda found: _TALL.get(found[0].lower(), found[0]), words)
