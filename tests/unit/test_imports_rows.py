"""A table of patients that a clinic brings along: what it says, and what is wrong with it."""

import contextlib
import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from common.refusals import Refused
from imports import grid, rows
from imports.columns import Facts
from imports.dates import read_date
from imports.grid import Cell

FACTS = Facts(
    today=date(2026, 3, 2),
    zone=ZoneInfo("Europe/London"),
    conditions={"crohn": "Crohn's disease", "ibs": "Irritable bowel syndrome"},
    templates=(),
    sexes=("female", "male", "other"),
)
GOOD = {
    "name": "Ann Example",
    "birth_date": "1980-12-31",
    "record_number": "R-1",
    "email": "ann@example.org",
    "time_zone": "America/New_York",
    "conditions": "Crohn’s disease; other: Sarcoidosis",
    "medicines": "Vitamin D; Aspirin 75 mg",
    "sex": "Female",
}


def table(*people: dict[str, str], columns: Sequence[str] = tuple(GOOD)) -> grid.Grid:
    head = tuple(Cell(name) for name in columns)
    return (head, *(tuple(Cell(person.get(name, "")) for name in columns) for person in people))


def faults_of(*people: dict[str, str]) -> list[tuple[int, str, str]]:
    reading = rows.read(table(*people), FACTS)
    return [(fault.row, fault.column, fault.sentence) for fault in reading.faults]


def only_fault(**wrong: str) -> str:
    ((row, column, sentence),) = faults_of({**GOOD, **wrong})
    assert (row, column) == (2, next(iter(wrong)))
    return sentence


def as_csv(lines: Iterable[Sequence[str]], separator: str = ",") -> str:
    page = io.StringIO(newline="")
    csv.writer(page, delimiter=separator, lineterminator="\r\n").writerows(lines)
    return page.getvalue()


def as_xlsx(lines: Iterable[Sequence[Any]], *, title: str = "Patients") -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for line in lines:
        sheet.append(list(line))
    return saved(book)


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


class TestOneRow:
    def test_it_says_what_was_written(self) -> None:
        reading = rows.read(table(GOOD), FACTS)
        assert reading.faults == ()
        (row,) = reading.rows
        assert row.number == 2
        assert row.person == rows.Person(
            name="Ann Example",
            birth_date=date(1980, 12, 31),
            sex="female",
            record_number="R-1",
            email="ann@example.org",
            zone=ZoneInfo("America/New_York"),
            conditions=(rows.Condition("crohn"), rows.Condition("other", "Sarcoidosis")),
            medicines=("Vitamin D", "Aspirin 75 mg"),
        )

    def test_what_is_not_needed_may_be_empty_or_have_no_column(self) -> None:
        needed = {name: GOOD[name] for name in ("name", "birth_date", "record_number", "conditions")}
        for columns in (tuple(GOOD), tuple(needed)):
            (row,) = rows.read(table(needed, columns=columns), FACTS).rows
            assert (row.person.email, row.person.zone, row.person.medicines, row.person.sex) == ("", FACTS.zone, (), "")

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"name": ""}, "missing"),
            ({"name": "x" * 201}, "201 characters, and 200 fit"),
            ({"name": "=Ann"}, "makes it a formula"),
            ({"name": "Ann\u202eExample"}, "cannot be seen"),
            ({"name": "Ann\nExample"}, "one line"),
            ({"birth_date": "03/04/1980"}, "could be 3 April 1980 or 4 March 1980"),
            ({"birth_date": "31/12/80"}, "four digits"),
            ({"birth_date": "1980-02-30"}, "no such day"),
            ({"birth_date": "29566"}, "no date we can read"),
            ({"birth_date": "2026-03-03"}, "in the future"),
            ({"birth_date": "1905-01-01"}, "more than 120 years ago"),
            ({"record_number": "x" * 41}, "41 characters, and 40 fit"),
            ({"email": "ann at example"}, "not an e-mail address"),
            ({"time_zone": "London, GB"}, "not a time zone"),
            ({"conditions": "Chrons"}, "none of the conditions in the list"),
            ({"conditions": " ; "}, "at least one"),
            ({"conditions": "crohn; Crohn's disease"}, "twice"),
            ({"sex": "m"}, "Write female, male, other, or leave it empty."),
            ({"medicines": ";".join("ab" for _ in range(61))}, "61 medicines"),
        ],
    )
    def test_what_is_wrong_is_said_where_it_stands(self, wrong: dict[str, str], sentence: str) -> None:
        assert sentence in only_fault(**wrong)

    def test_a_fault_of_the_cell_itself_is_the_columns(self) -> None:
        head, body = table(GOOD)
        spoiled = (Cell("=A1", grid.A_FORMULA), *body[1:])
        (fault,) = rows.read((head, spoiled), FACTS).faults
        assert (fault.letter, fault.column, fault.sentence) == ("A", "name", grid.A_FORMULA)


class TestTheWholeTable:
    def test_every_fault_of_every_row_is_told_at_once(self) -> None:
        second = {**GOOD, "birth_date": "1/2/1980", "email": "x"}
        third = {**GOOD, "name": "", "record_number": "R-3"}
        told = [(row, column) for row, column, _ in faults_of(GOOD, second, third)]
        assert told == [(3, "birth_date"), (3, "record_number"), (3, "email"), (4, "name")]

    def test_a_record_number_and_a_person_stand_there_once(self) -> None:
        again = {**GOOD, "name": "EXAMPLE, Ánn"}
        assert [(row, column) for row, column, _ in faults_of(GOOD, again)] == [(3, "name"), (3, "record_number")]

    def test_rows_are_counted_as_the_spreadsheet_counts_them(self) -> None:
        head, body = table({**GOOD, "email": "x"})
        (fault,) = rows.read(((), head, (), (), body), FACTS).faults
        assert (fault.row, fault.letter) == (5, "D")

    def test_names_of_columns_are_read_kindly_and_none_is_passed_over(self) -> None:
        head = tuple(Cell(name) for name in ("Name *", "Birth date", "RECORD NUMBER", "conditions", "phone"))
        (fault,) = rows.read((head, (Cell("x"),)), FACTS).faults
        assert (fault.row, fault.letter) == (1, "E")
        assert "none of the template's columns" in fault.sentence

    def test_missing_columns_are_named_and_the_rest_is_not_judged(self) -> None:
        reading = rows.read(table(GOOD, columns=("name", "email")), FACTS)
        assert [fault.column for fault in reading.faults] == ["birth_date", "record_number", "conditions"]

    def test_words_in_a_column_without_a_name_are_not_dropped(self) -> None:
        head, body = table(GOOD)
        (fault,) = rows.read((head, (*body, Cell("stray"))), FACTS).faults
        assert (fault.row, fault.letter, fault.sentence) == (2, "I", rows.NO_NAME)

    def test_a_header_alone_is_no_table(self) -> None:
        (fault,) = rows.read(table(), FACTS).faults
        assert "no patient" in fault.sentence


WRITTEN = ("{0.year:04}-{0.month:02}-{0.day:02}", "{0.day} {0:%B} {0.year:04}", "{0:%b} {0.day}, {0.year:04}")
NUMBERS = ("{0.day}/{0.month}/{0.year:04}", "{0.day:02}.{0.month:02}.{0.year:04}", "{0.month}-{0.day}-{0.year:04}")


@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from(WRITTEN))
def test_a_date_that_says_what_is_what_is_read(on: date, form: str) -> None:
    assert read_date(form.format(on)) == on


@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from(NUMBERS))
def test_a_date_of_numbers_is_read_unless_it_could_be_another(on: date, form: str) -> None:
    ambiguous = on.day <= 12 and on.day != on.month
    if ambiguous:
        with pytest.raises(Refused, match="could be"):
            read_date(form.format(on))
    else:
        assert read_date(form.format(on)) == on


WORDS = st.text(st.characters(categories=("L", "Nd")), min_size=1, max_size=12)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
            "birth_date": st.dates(date(1920, 1, 1), date(2026, 3, 1)).map(date.isoformat),
            "record_number": WORDS,
            "email": st.sampled_from(["", "ann@example.org"]),
            "time_zone": st.sampled_from(["", "Europe/London", "Asia/Tokyo"]),
            "conditions": st.sampled_from(["crohn", "ibs;crohn", "other: Something, “rare”"]),
            "medicines": st.lists(WORDS.map(lambda word: f'{word} 5 mg, "as needed"'), max_size=3).map(";".join),
            "sex": st.sampled_from(["", "female", "Male", "other"]),
        }
    ),
    min_size=1,
    max_size=6,
    unique_by=(lambda person: person["record_number"].strip(), lambda person: person["birth_date"]),
)


@settings(max_examples=60, deadline=None)
@given(PEOPLE, st.permutations(list(GOOD)), st.sampled_from(["csv", "semicolons", "tabs", "utf-16", "xlsx", "dates"]))
def test_the_same_patients_come_out_whatever_they_came_in(
    people: list[dict[str, str]], columns: list[str], kind: str
) -> None:
    lines: list[list[Any]] = [columns, *([person[name] for name in columns] for person in people)]
    match kind:
        case "csv":
            came = grid.read(as_csv(lines).encode("utf-8-sig"))
        case "semicolons":
            came = grid.read(as_csv(lines, ";").encode())
        case "tabs":
            came = grid.read_pasted(as_csv(lines, "\t"))
        case "utf-16":
            came = grid.read(as_csv(lines, "\t").encode("utf-16"))
        case "xlsx":
            came = grid.read(as_xlsx(lines))
        case _:
            born = columns.index("birth_date")
            dated = [
                columns,
                *([*line[:born], date.fromisoformat(line[born]), *line[born + 1 :]] for line in lines[1:]),
            ]
            came = grid.read(as_xlsx(dated))
    straight, turned = rows.read(table(*people), FACTS), rows.read(came, FACTS)
    assert turned.rows == straight.rows
    assert {fault.sentence for fault in turned.faults} == {fault.sentence for fault in straight.faults}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), max_size=9), min_size=1, max_size=6), st.booleans())
def test_whatever_stands_in_it_a_row_is_read_or_faulted(lines: list[list[str]], headed: bool) -> None:
    body = tuple(tuple(Cell(text.strip()) for text in line) for line in lines)
    reading = rows.read((tuple(Cell(name) for name in GOOD), *body) if headed else body, FACTS)
    assert {row.number for row in reading.rows}.isdisjoint({fault.row for fault in reading.faults})
    assert reading.faults or len(reading.rows) == reading.rows_total


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400).map(lambda tail: tail), st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"name,"]))
def test_any_bytes_are_a_grid_or_one_sentence(tail: bytes, start: bytes) -> None:
    with contextlib.suppress(Refused):
        assert grid.read(start + tail)


class TestFilesThatAreRefused:
    def refused(self, content: bytes) -> str:
        with pytest.raises(Refused) as refusal:
            grid.read(content)
        return refusal.value.sentence

    def test_letters_of_an_unknown_encoding(self) -> None:
        assert self.refused("name\nÅgot".encode("cp1252")) == grid.NOT_UTF8

    def test_too_much_of_anything(self) -> None:
        assert self.refused(b"x" * (grid.MOST_BYTES + 1)) == grid.TOO_LARGE
        assert self.refused(b"name\n" + b"x\n" * (grid.MOST_ROWS + 1)) == grid.TOO_MANY_ROWS
        assert self.refused(b"x," * grid.MOST_COLUMNS + b"x") == grid.TOO_MANY_COLUMNS
        assert self.refused(as_xlsx([["x"]] * (grid.MOST_ROWS + 2))) == grid.TOO_MANY_ROWS
        assert self.refused(as_xlsx([["x"] * (grid.MOST_COLUMNS + 1)])) == grid.TOO_MANY_COLUMNS
        with pytest.raises(Refused, match="larger than"):
            grid.read_pasted("é" * grid.MOST_BYTES)

    def test_as_much_as_fits_is_taken(self) -> None:
        assert len(grid.read(b"name\n" + b"x\n" * grid.MOST_ROWS)) == grid.MOST_ROWS + 1
        assert len(grid.read(as_xlsx([["x"]] * (grid.MOST_ROWS + 1)))) == grid.MOST_ROWS + 1

    def test_rows_far_below_are_not_cut_off_unseen(self) -> None:
        book = Workbook()
        assert book.active is not None
        book.active["A1"] = "name"
        book.active["A5000"] = "far below"
        assert self.refused(saved(book)) == grid.TOO_MANY_ROWS

    def test_a_bomb_is_not_unpacked(self) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("[Content_Types].xml", b"0" * (grid.MOST_UNPACKED + 1))
        assert len(file.getvalue()) < 100_000
        assert self.refused(file.getvalue()) == grid.A_BOMB
        many = io.BytesIO()
        with zipfile.ZipFile(many, "w") as packed:
            for number in range(grid.MOST_PARTS + 1):
                packed.writestr(f"{number}.xml", b"")
        assert self.refused(many.getvalue()) == grid.A_BOMB

    def test_entities_are_refused_before_they_unfold(self) -> None:
        def with_entities(name: str, text: bytes) -> bytes:
            if name != "xl/worksheets/sheet1.xml":
                return text
            start, mark, rest = text.partition(b"<worksheet")
            return start + b'<!DOCTYPE w [<!ENTITY a "aaaa">]>' + mark + rest

        assert self.refused(changed(as_xlsx([["name"]]), with_entities)) == grid.NOT_XLSX

    def test_macros_passwords_and_other_packed_files(self) -> None:
        book = as_xlsx([["name"]])
        assert self.refused(added(book, "xl/vbaProject.bin")) == grid.A_MACRO
        other = io.BytesIO()
        with zipfile.ZipFile(other, "w") as packed:
            packed.writestr("word/document.xml", b"<w/>")
        assert self.refused(other.getvalue()) == grid.NOT_XLSX
        assert self.refused(book[:-200]) == grid.NOT_XLSX
        assert self.refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old or locked one") == grid.NOT_UTF8

    def test_nothing(self) -> None:
        for content in (b"", b"\xef\xbb\xbf", b"\n\n,,\n", as_xlsx([])):
            assert self.refused(content) == grid.EMPTY

    def test_a_quote_that_never_ends(self) -> None:
        assert self.refused(b'name\n"Ann') == grid.NOT_A_TABLE


def changed(book: bytes, change: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return file.getvalue()


def added(book: bytes, name: str) -> bytes:
    file = io.BytesIO(book)
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr(name, b"x")
    return file.getvalue()


class TestSpreadsheets:
    def cells(self, *line: Any) -> list[Cell]:
        return list(grid.read(as_xlsx([["x"] * 9, line]))[1])

    def test_numbers_and_dates_come_as_they_were_typed(self) -> None:
        # A spreadsheet knows no zones.
        midnight, morning = (datetime.fromisoformat(text) for text in ("1980-02-29", "1980-02-29 07:00"))
        written = self.cells(1.5, 4, 0.1, 10.0, date(1980, 2, 29), midnight, morning, True)
        texts = ["1.5", "4", "0.1", "10", "1980-02-29", "1980-02-29", "1980-02-29 07:00:00", "TRUE"]
        assert [cell.text for cell in written] == texts

    def test_formulas_and_errors_are_faults_of_their_cells(self) -> None:
        formula, fault = self.cells("=1+1", "#N/A")
        assert (formula.fault, fault.fault) == (grid.A_FORMULA, grid.A_FAULT)

    def test_the_notes_are_not_read_and_two_tables_are_not_guessed_between(self) -> None:
        book = Workbook()
        assert book.active is not None
        book.active.title = "Whatever"
        book.active.append(["name"])
        book.create_sheet("Notes").append(["words"])
        book.create_sheet("Empty")
        assert [cell.text for cell in grid.read(saved(book))[0]] == ["name"]
        book["Empty"].append(["also"])
        with pytest.raises(Refused, match="several sheets"):
            grid.read(saved(book))
        book["Empty"].title = "patients"
        assert [cell.text for cell in grid.read(saved(book))[0]] == ["also"]


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (59, "BH")])
def test_columns_are_lettered_as_in_a_spreadsheet(index: int, letters: str) -> None:
    assert rows.letter(index) == letters
