"""Which written words are opioids: every name of the clinical facts, slips of the pen, and what must not alarm."""

import time
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.medicine_classes import OPIOIDS, MedicineClass
from patients import medicine_names, medicines
from patients.medicine_names import WORST_FIRST, How
from patients.medicines import recognise

SHORT, LONG, PARTIAL, HIDDEN = MedicineClass.SHORT, MedicineClass.LONG, MedicineClass.PARTIAL, MedicineClass.HIDDEN
WARN, ALLOWED, UNKNOWN = MedicineClass.WARN, MedicineClass.ALLOWED, MedicineClass.UNKNOWN

WORDS = tomllib.loads((Path(__file__).parent / "medicine_words.toml").read_text("utf-8"))
FACTS = [(MedicineClass(key), words) for key, every in WORDS["facts"].items() for words in every]
MISSPELT = [(MedicineClass(key), words) for key, every in WORDS["misspelt"].items() for words in every]
INNOCENT = [*WORDS["innocent"]["medicines"], *WORDS["innocent"]["words"]]


class TestTheFacts:
    @pytest.mark.parametrize(("medicine_class", "words"), FACTS)
    def test_every_name_has_its_class(self, medicine_class: MedicineClass, words: str) -> None:
        assert recognise(words).medicine_class == medicine_class

    def test_it_says_what_it_found_and_why(self) -> None:
        (match,) = recognise("Percocet 5/325 mg x2").parts
        assert (match.words, match.name, match.how) == ("Percocet", "oxycodone", How.COMBINATION)
        assert match.why == "Percocet holds oxycodone: a short-acting opioid."
        (match,) = recognise("percoset").parts
        assert (match.name, match.how) == ("oxycodone", How.MISSPELLING)
        assert match.why == "“percoset” reads like Percocet, which holds oxycodone: a short-acting opioid."
        assert [part.how for part in recognise("codeine, Dilaudid").parts] == [How.EXACT, How.BRAND]

    def test_the_worst_of_a_line_speaks_and_every_part_is_kept(self) -> None:
        found = recognise("ibuprofen, Imodium, Butrans patch and Zorbulin")
        assert found.medicine_class == PARTIAL
        assert [part.name for part in found.parts] == ["ibuprofen", "loperamide", "buprenorphine"]
        assert found.unknown == ("Zorbulin",)

    def test_one_word_of_slow_release_belongs_to_its_own_medicine(self) -> None:
        assert recognise("metoprolol ER, oxycodone").medicine_class == SHORT
        assert recognise("metoprolol and oxycodone ER").medicine_class == LONG

    def test_a_name_counts_wherever_it_stands(self) -> None:
        assert recognise("no codeine").medicine_class == SHORT
        assert recognise("stopped tramadol in May").medicine_class == SHORT

    @pytest.mark.parametrize("words", ["none", "None.", "nothing", "no opioids", "No opiates", "n/a", "NIL"])
    def test_nothing_is_nothing_and_does_not_answer_yes(self, words: str) -> None:
        found = recognise(words)
        assert found.says_none
        assert found.medicine_class == ALLOWED
        # "Yes, none" contradicts itself.
        assert found.trips


class TestTheNightlyQuestion:
    """Clinical facts 6.1, line 5."""

    @pytest.mark.parametrize(
        "words", ["codeine", "Lomotil", "kratom", "blue pills from a friend", "cough syrup", "", "yes", "10 Imodium"]
    )
    def test_what_trips(self, words: str) -> None:
        assert recognise(words).trips

    @pytest.mark.parametrize(
        "words",
        [
            "Imodium",
            "Robitussin DM for my cough",
            "ibuprofen 400 mg twice",
            "Tylenol and vitamin C",
            "paracetamol for a headache, after dinner",
        ],
    )
    def test_what_does_not(self, words: str) -> None:
        assert not recognise(words).trips

    def test_a_known_medicine_does_not_carry_an_unknown_one_along(self) -> None:
        assert recognise("ibuprofen and some cough syrup").trips
        assert recognise("ibuprofen and Zorbulin").trips
        assert not recognise("Robitussin DM cough syrup").trips


class TestSlipsOfThePen:
    @pytest.mark.parametrize(("medicine_class", "words"), MISSPELT)
    def test_they_are_forgiven(self, medicine_class: MedicineClass, words: str) -> None:
        assert recognise(words).medicine_class == medicine_class

    def test_there_are_enough_of_them(self) -> None:
        assert len(MISSPELT) >= 60

    @pytest.mark.parametrize(
        "words",
        ["metformine", "lorazapam", "ibuprophen", "paracetomol", "gabapentine", "naproxin", "sertralin", "omeprazol"],
    )
    def test_those_of_a_harmless_name_stay_harmless(self, words: str) -> None:
        assert recognise(words).medicine_class == ALLOWED


class TestTheInnocent:
    def test_what_stands_unknown_beside_a_known_name_is_an_unknown_answer(self) -> None:
        assert recognise("Imodium and zzqqy").as_an_answer == UNKNOWN
        assert recognise("Imodium").as_an_answer == WARN
        assert recognise("codeine and zzqqy").as_an_answer == SHORT
        assert recognise("paracetamol").as_an_answer == ALLOWED

    @pytest.mark.parametrize("key", WORDS["as_written"])
    def test_lines_as_people_write_them(self, key: str) -> None:
        read = {words: recognise(words).medicine_class for words in WORDS["as_written"][key]}
        assert {words: found for words, found in read.items() if found != MedicineClass(key)} == {}

    @pytest.mark.parametrize("words", INNOCENT)
    def test_they_do_not_alarm(self, words: str) -> None:
        found = recognise(words)
        assert not found.is_opioid
        assert all(part.medicine_class not in {WARN, MedicineClass.NALTREXONE} for part in found.parts)

    def test_there_are_enough_of_them(self) -> None:
        assert len(INNOCENT) >= 200

    def test_everyday_words_are_no_medicine(self) -> None:
        assert recognise("in the evening before bed").unknown == ("in the evening before bed",)

    def test_a_real_list_is_not_all_unknown(self) -> None:
        lines = [
            "Amlodipine 5mg OD",
            "Atorvastatin 40 mg nocte",
            "metformin 500mg BD with meals",
            "Vit D3 2000 IU",
            "Symbicort 200/6 two puffs bd",
            "sertraline 100mg mane",
            "omeprazole 20 mg before breakfast",
            "fish oil",
            "magnesium glycinate at bedtime",
            "Zyrtec prn for hay fever",
        ]
        assert [line for line in lines if recognise(line).medicine_class != ALLOWED] == []


RANK = {medicine_class: rank for rank, medicine_class in enumerate(WORST_FIRST)}
# Two of them are read with their amounts; of "Tylenol 3", the number is the name.
PLAIN_CLASSES = {SHORT, LONG, PARTIAL, MedicineClass.KRATOM, ALLOWED, MedicineClass.THYROID}
PLAIN_NAMES = [
    w for c, w in FACTS if c in PLAIN_CLASSES and not any(part in w for part in ("ylenol", "naltrex", "LDN"))
]
AMOUNTS = st.sampled_from(
    [
        "5/325 mg x2",
        "10mg",
        "20 mg bd",
        "8/500",
        "2 tablets twice a day",
        "0.5 ml",
        "100 mcg/h",
        "1-2 caps prn",
        "(2 x 30 mg)",
        "at night",
    ]
)


class TestProperties:
    @given(
        words=st.sampled_from(PLAIN_NAMES),
        amount=AMOUNTS,
        upper=st.booleans(),
        ends=st.sampled_from(["", ".", "!", ",", " ;", "?"]),
    )
    def test_case_punctuation_and_amounts_change_no_class(
        self, words: str, amount: str, upper: bool, ends: str
    ) -> None:
        written = f"{words.upper() if upper else words.title()} {amount}{ends}"
        assert recognise(written).medicine_class == recognise(words).medicine_class

    @given(
        # A "yes" before a name answers which: the name says more than it did.
        words=st.sampled_from([words for _, words in FACTS if words != "yes"]),
        others=st.lists(st.sampled_from(INNOCENT), min_size=1, max_size=4),
        before=st.booleans(),
        between=st.sampled_from([", ", " and ", "; ", " + ", "\n", " "]),
    )
    def test_an_innocent_medicine_beside_it_lowers_no_class(
        self, words: str, others: list[str], before: bool, between: str
    ) -> None:
        together = between.join([*others, words] if before else [words, *others])
        assert RANK[recognise(together).medicine_class] <= RANK[recognise(words).medicine_class]

    @given(st.text(max_size=120))
    def test_whatever_is_written_is_read_and_nothing_is_lost_in_silence(self, written: str) -> None:
        found = recognise(written)
        assert found.parts or found.unknown or found.says_none or not found.words
        assert found.sentence
        for words in (*found.unknown, *(part.words for part in found.parts)):
            assert words in found.words


class TestTheFiles:
    def test_they_are_signed_and_wait_for_review(self) -> None:
        for file in (medicine_names.OPIOIDS_FILE, medicine_names.OTHERS_FILE):
            raw = tomllib.loads((Path(medicine_names.__file__).parent / file).read_text("utf-8"))
            assert raw["version"]
            assert raw["review"] == "pending"
        for row in tomllib.loads((Path(medicine_names.__file__).parent / "opioids.toml").read_text("utf-8"))[
            "medicine"
        ]:
            assert row["grade"] in {"E1", "E2", "E3", "GK"}
            assert isinstance(row["sources"], list)

    def test_every_name_of_the_files_is_recognised_as_its_class_or_worse(self) -> None:
        every = medicine_names.names()
        for name in (name for found in (*every.written.values(), every.on_the_street.values()) for name in found):
            found = recognise(name.words)
            assert RANK[found.medicine_class] <= RANK[name.medicine_class], name
            if name.is_opioid:
                assert found.is_opioid, name

    def test_no_name_of_two_kinds_is_harmless_in_one(self) -> None:
        every = medicine_names.names()
        for found in (*every.written.values(), *every.sounds.values()):
            assert len({name.is_opioid for name in found}) == 1, found

    def test_no_opioid_is_called_by_an_everyday_word(self) -> None:
        every = medicine_names.names()
        assert [
            w for w in every.words["everyday"] | every.words["vague"] if any(n.is_opioid for n in every.called(w))
        ] == []


class TestWashout:
    @pytest.mark.parametrize(
        ("medicine_class", "earliest"),
        [
            (SHORT, date(2026, 3, 11)),
            (HIDDEN, date(2026, 3, 11)),
            (LONG, date(2026, 3, 15)),
            (PARTIAL, date(2026, 3, 15)),
            (MedicineClass.KRATOM, date(2026, 3, 15)),
            (MedicineClass.ILLICIT, date(2026, 3, 15)),
            (WARN, None),
            (ALLOWED, None),
        ],
    )
    def test_ten_days_or_fourteen(self, medicine_class: MedicineClass, earliest: date | None) -> None:
        assert medicines.earliest_start_on(medicine_class, date(2026, 3, 1)) == earliest

    def test_a_clinic_may_wait_longer(self) -> None:
        assert medicines.earliest_start_on(LONG, date(2026, 3, 1), {LONG: 30}) == date(2026, 3, 31)

    def test_every_opioid_class_has_its_days(self) -> None:
        assert set(medicines.default_washout_days()) == OPIOIDS


def test_a_line_is_read_in_less_than_five_milliseconds() -> None:
    recognise("warm up")
    lines = [f"{word} {number} mg zorbulin{number} oxicodone{number}" for number, word in enumerate(INNOCENT)]
    began = time.process_time()
    for line in lines:
        recognise(line)
    assert (time.process_time() - began) / len(lines) < 0.005
