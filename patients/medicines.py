"""What a written line of medicines holds, and how that bears on low-dose naltrexone. Pure: no rows, no clock.

Readings chosen for safety, where words allow two:

- A name counts wherever it stands. "No codeine" and "stopped tramadol in May" are codeine and tramadol, because free
  text also says "no codeine left, took tramadol"; when it was last taken is a date's business, not the words'. Only a
  line that is nothing but "none", "no opioids" and the like says that nothing is taken.
- A word that is neither a name, an amount nor an everyday word is unknown and stays visible; so is a product without a
  name ("a cough syrup"). For the nightly question the unknown counts like an opioid.
- Slow release ("ER", "patch") beside an opioid of both forms makes it long-acting, also where it may not be meant.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from common.drug_names import NALTREXONE
from common.medicine_classes import OPIOIDS, MedicineClass
from patients import medicine_lines
from patients.medicine_lines import Find, Line, Word, has_phrase
from patients.medicine_names import WORST_FIRST, How, Name, figures, names, said_of, squashed

# Entries of the files whose amount matters.
LOPERAMIDE, LOW_DOSE = "loperamide", f"low-dose {NALTREXONE}"


@dataclass(frozen=True, slots=True)
class Match:
    """One medicine found: the words that gave it away, its entry's name, its class, and a sentence saying why."""

    words: str
    name: str
    medicine_class: MedicineClass
    how: How
    why: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a line was recognised as. `unknown` holds the words nobody recognised, as they were written."""

    words: str
    medicine_class: MedicineClass
    parts: tuple[Match, ...]
    unknown: tuple[str, ...]
    says_none: bool

    @property
    def trips(self) -> bool:
        """Whether this, as an answer to the nightly question, stops the dose (clinical facts 6.1, line 5).

        Opioids of every class and anything unknown trip. A warning informs, a known medicine that is no opioid passes.
        A yes followed by "none", or by no medicine at all, contradicts itself and trips.
        """
        return self.is_opioid or bool(self.unknown) or not self.parts

    @property
    def as_an_answer(self) -> MedicineClass:
        """What it is taken for as an answer to the nightly question: unknown words beside a known name are unknown."""
        return MedicineClass.UNKNOWN if self.trips and not self.is_opioid else self.medicine_class

    @property
    def is_opioid(self) -> bool:
        """Whether it holds something that must not be taken with naltrexone."""
        return self.medicine_class in OPIOIDS

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        if self.says_none:
            return "It says that nothing is taken."
        told = [part.why for part in self.parts if part.medicine_class != MedicineClass.ALLOWED]
        told = told or [part.why for part in self.parts]
        if self.unknown:
            told.append("Not recognised: " + ", ".join(f"“{word}”" for word in self.unknown) + ".")
        return " ".join(dict.fromkeys(told)) or "Nothing is written here."


def recognise(words: str) -> Recognised:
    """What is written in one line, which may name several medicines, in any of the ways people write them."""
    return _recognised(" ".join(words.replace("\n", " ; ").split()))


def default_washout_days() -> dict[MedicineClass, int]:
    """Days without an opioid before the first dose, by class: the file's, which a clinic's own settings may replace."""
    return {MedicineClass(key): row["days"] for key, row in figures()["washout"].items()}


def earliest_start_on(
    medicine_class: MedicineClass, last_taken_on: date, washout_days: Mapping[MedicineClass, int] | None = None
) -> date | None:
    """The first day low-dose naltrexone may start after an opioid was last taken; None where nothing is waited for."""
    if medicine_class not in OPIOIDS:
        return None
    days = (washout_days or {}).get(medicine_class, default_washout_days()[medicine_class])
    return last_taken_on + timedelta(days=days)


@lru_cache(maxsize=4_096)
def _recognised(written: str) -> Recognised:
    if squashed(written) in names().words["none"]:
        return Recognised(written, MedicineClass.ALLOWED, (), (), says_none=True)
    line = medicine_lines.read(written)
    finds = medicine_lines.finds_in(line)
    parts = tuple(_by_amount(_match(find, line), find, line, finds) for find in finds)
    unknown = medicine_lines.unknown_in(line, finds)
    if not parts and not unknown and written:
        unknown = (written,)
    classes = [part.medicine_class for part in parts] + ([MedicineClass.UNKNOWN] if unknown or not parts else [])
    return Recognised(written, min(classes, key=WORST_FIRST.index), parts, unknown, says_none=False)


def _match(find: Find, line: Line) -> Match:
    name, written = find.name, line.said(find.first, find.past)
    medicine_class, slow = name.medicine_class, ""
    if name.entry.long_form and medicine_class == MedicineClass.SHORT:
        slow = _slow_word(find, line)
        medicine_class = MedicineClass.LONG if slow else medicine_class
    why = _why(find, written, said_of(name.entry, medicine_class))
    return Match(written, name.entry.name, medicine_class, find.how, f"{why} (“{slow}”)." if slow else f"{why}.")


def _why(find: Find, written: str, said: str) -> str:
    name, begun = find.name, written[:1].upper() + written[1:]
    is_substance = squashed(name.words) == squashed(name.entry.name)
    if find.how == How.MISSPELLING:
        product = "" if is_substance else f", which {_verb(name)} {name.entry.name}"
        like = name.words if name.how == How.EXACT else name.words[:1].upper() + name.words[1:]
        return f"“{written}” reads like {like}{product}: {said}"
    return f"{begun}: {said}" if is_substance else f"{begun} {_verb(name)} {name.entry.name}: {said}"


def _verb(name: Name) -> str:
    if name.words in names().on_the_street:
        return "stands for"
    return "is" if name.how == How.EXACT else "holds"


def _slow_word(find: Find, line: Line) -> str:
    """The words of slow release in the same part of the line, or the one that makes this very substance long."""
    slow, part = names().words["long"] | find.name.entry.long_words, line.words[find.first].part
    for at, word in enumerate(line.words):
        if word.part != part or find.first <= at < find.past:
            continue
        for size in (1, 2, 3):
            if "".join(beside.plain for beside in line.words[at : at + size]) in slow:
                return line.said(at, min(at + size, len(line.words)))
    return ""


def _by_amount(match: Match, find: Find, line: Line, finds: Sequence[Find]) -> Match:
    """Loperamide above its label dose and naltrexone at the low dose are other things than their names say."""
    after = _after(find, line, finds)
    if match.name == LOPERAMIDE:
        return _loperamide(match, [*_before(find, line, finds), *after])
    if match.name == LOW_DOSE or (match.name == NALTREXONE and find.name.how == How.EXACT):
        return _naltrexone(match, after)
    return match


def _after(find: Find, line: Line, finds: Sequence[Find]) -> Sequence[Word]:
    """The words that follow a name, up to the next name."""
    return line.words[find.past : min((other.first for other in finds if other.first >= find.past), default=None)]


def _before(find: Find, line: Line, finds: Sequence[Find]) -> Sequence[Word]:
    """The words before a name in the same part of the line, back to the name before it."""
    past = max((other.past for other in finds if other.past <= find.first), default=0)
    return [word for word in line.words[past : find.first] if word.part == line.words[find.first].part]


def _naltrexone(match: Match, after: Sequence[Word]) -> Match:
    amount = max(_amounts(after, MILLIGRAMS), default=None)
    if amount is None:
        return match
    if amount <= Decimal(figures()["low_dose"]["up_to_mg"]):
        why = f"{match.words} at {amount} mg is the medicine this clinic prescribes."
        return replace(match, name=LOW_DOSE, medicine_class=MedicineClass.ALLOWED, why=why)
    why = f"{match.words} at {amount} mg is more than a low dose: the same medicine twice."
    return replace(match, name=NALTREXONE, medicine_class=MedicineClass.NALTREXONE, why=why)


def _loperamide(match: Match, about: Sequence[Word]) -> Match:
    numbers = figures()["loperamide"]
    limit = Decimal(numbers["prescribed_mg" if has_phrase(about, "prescribed") else "over_the_counter_mg"])
    daily = _daily_mg(about, Decimal(numbers["one_unit_mg"]))
    if daily > limit:
        said = f"about {daily.quantize(Decimal(1))} mg a day is above the {limit} mg of label use"
    elif has_phrase(about, "high") or has_phrase(about, "misuse"):
        said = "these words say more than label use"
    else:
        return match
    return replace(match, medicine_class=MedicineClass.HIDDEN, why=f"“{match.words}” is {LOPERAMIDE}: {said}.")


def _daily_mg(about: Sequence[Word], unit_mg: Decimal) -> Decimal:
    """The most that these words can mean a day: strength by count by times, one tablet once where it is not said."""
    strength = max(_amounts(about, MILLIGRAMS), default=unit_mg)
    often = [Decimal(TIMES[word.plain]) for word in about if word.plain in TIMES]
    often += _amounts(about, {"times"})
    often += [Decimal(24) / hours for hours in _amounts(about, {"hourly", "hours", "hrs"}) if hours]
    counted = [number for number, unit in _numbers(about) if unit not in NOT_A_COUNT]
    return strength * max(counted, default=Decimal(1)) * max(often, default=Decimal(1))


MILLIGRAMS = frozenset({"mg", "mgs", "milligram", "milligrams"})
NOT_A_COUNT = MILLIGRAMS | frozenset(
    ["times", "hourly", "hours", "hrs", "ml", "mls", "day", "days", "week", "weeks", "month", "months", "year", "years"]
)
TIMES = {"twice": 2, "bd": 2, "bid": 2, "thrice": 3, "tds": 3, "tid": 3, "qds": 4, "qid": 4}
IN_WORDS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
}
IN_WORDS |= {"eleven": 11, "twelve": 12, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100}


def _numbers(about: Sequence[Word]) -> Iterator[tuple[Decimal, str]]:
    """Every number in these words, with the word right after it."""
    for at, word in enumerate(about):
        following = about[at + 1].plain if at + 1 < len(about) else ""
        if word.is_number:
            yield Decimal(word.plain.lstrip("#").replace(",", ".")), following
        elif word.plain in IN_WORDS:
            yield Decimal(IN_WORDS[word.plain]), following


def _amounts(about: Sequence[Word], units: Set[str]) -> list[Decimal]:
    """The numbers that stand right before one of these units."""
    return [number for number, unit in _numbers(about) if unit in units]
