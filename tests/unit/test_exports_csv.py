"""S10: the writer keeps numbers exact, makes no cell a formula, and loses nothing else."""

import csv
import io
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exports.writers import csv as writer

SIGNS = "=+-@＝＋－＠"
START_OF_FORMULA = re.compile(rf'(?:\A|[\r\n;])"*[{re.escape(SIGNS)}]|\A[\t\r\n\0]')

texts = st.text(st.one_of(st.sampled_from(SIGNS + "\t\r\n\0\"';, a1("), st.characters(exclude_categories=["Cs"])))
numbers = st.one_of(
    st.integers(), st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e12", max_value="1e12", places=6)
)


def read(page: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(page.decode("utf-8"), newline=""), strict=True))


@given(texts)
@example("=1+1")
@example("＝1+1")
@example('"=1+1')
@example("\t=1+1")
@example("\0=1+1")
@example("fine\n=1+1")
@example('fine;"=1+1"')
@example('fine\r\n"＝1+1"')
@example('""=1+1')
@example("﹦1+1")
@example("-0.5")
def test_no_text_can_begin_a_formula(text: str) -> None:
    ((cell,),) = read(writer.records([[text]])) or [[""]]
    assert not START_OF_FORMULA.search(cell)
    assert "\0" not in cell


@given(texts)
def test_neutralising_only_adds_apostrophes_and_drops_nuls(text: str) -> None:
    kept = iter(writer.neutral(text))
    assert all(letter in kept for letter in text.replace("\0", "")), "a letter was lost or moved"
    assert len(writer.neutral(text).replace("'", "")) == len(text.replace("\0", "").replace("'", ""))


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ,.'\"=+@-]*", fullmatch=True))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert read(writer.records([[text]])) == [[text]]


@given(st.lists(numbers, min_size=1))
@example([Decimal("-0.5")])
@example([Decimal("1E+3")])
def test_numbers_come_back_exact(values: list[int | Decimal]) -> None:
    (cells,) = read(writer.records([values]))
    assert [Decimal(cell) for cell in cells] == values
    assert all(re.fullmatch(r"-?[0-9]+(\.[0-9]*[1-9])?", cell) for cell in cells)


@given(st.lists(st.lists(st.one_of(texts, numbers, st.none()), min_size=2, max_size=4), max_size=5))
def test_every_record_is_one_record_ended_by_crlf(rows: list[list[object]]) -> None:
    page = writer.records(rows)
    assert [len(cells) for cells in read(page)] == [len(row) for row in rows]
    assert page == b"" or page.endswith(b"\r\n")


def test_a_blank_is_a_blank_and_never_zero() -> None:
    assert writer.records([[None, 0, "", Decimal("0.00")]]) == b",0,,0\r\n"


def test_dates_and_moments_are_iso_with_their_offset() -> None:
    moment = datetime(2026, 3, 29, 2, 30, 15, 999, tzinfo=timezone(timedelta(hours=1)))
    assert writer.records([[date(2026, 3, 29), moment]]) == b"2026-03-29,2026-03-29T02:30:15+01:00\r\n"


@pytest.mark.parametrize("value", [0.5, True, datetime(2026, 1, 1), {"a": 1}])  # noqa: DTZ001  the point of the test
def test_what_has_no_exact_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        writer.records([[value]])  # type: ignore[list-item]


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_a_number_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        writer.records([[Decimal(value)]])


def test_the_byte_order_mark_is_only_written_when_asked_for() -> None:
    assert writer.header(["a", "b"]) == b"a,b\r\n"
    assert writer.header(["a", "b"], bom=True) == b"\xef\xbb\xbfa,b\r\n"
