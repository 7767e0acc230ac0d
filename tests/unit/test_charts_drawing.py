"""The drawing shows every answer and invents none; it is sound XML that a strict content policy lets through."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charts import description, drawing, series

FIRST = date(2024, 2, 20)
SVG = "{http://www.w3.org/2000/svg}"
COLUMNS = {
    "sleep": "sleep_hours",
    "distress": "dream_distress",
    "pain": "pain",
    "fatigue": "fatigue",
    "lead": "lead_symptom",
}

rating = st.none() | st.integers(0, 10)
text = st.text(st.characters(codec="utf-8"), max_size=40)
side_effects = st.lists(
    st.tuples(st.sampled_from(["Headache", "Vivid dreams", "<b>", "Rash & itch"]), st.sampled_from(["mild", "severe"])),
    max_size=2,
    unique_by=lambda pair: pair[0],
)


@st.composite
def charted(draw: st.DrawFn) -> series.Aligned:
    days = draw(st.integers(1, 30))
    nights = [
        series.Night(
            FIRST + timedelta(days=day),
            taken=draw(st.sampled_from([None, "taken", "skipped", "not_yet"])),
            taken_mg=draw(st.none() | st.sampled_from([Decimal("1.5"), Decimal(3)])),
            sleep_hours=draw(st.none() | st.decimals(0, 24, places=2)),
            dream_vividness=draw(st.none() | st.integers(0, 3)),
            dream_distress=draw(rating),
            pain=draw(rating),
            fatigue=draw(rating),
            lead_symptom=draw(rating),
            side_effects=tuple(draw(side_effects)),
        )
        for day in sorted(draw(st.sets(st.integers(0, days - 1))))
    ]
    starts = sorted(draw(st.sets(st.integers(-30, days), max_size=5)))
    ends: list[int | None] = [*starts, None][1:]
    bands = [
        series.DoseBand(
            FIRST + timedelta(days=start),
            None if end is None else FIRST + timedelta(days=end),
            draw(
                st.none() | st.sampled_from([Decimal("0.5"), Decimal("1.5"), Decimal(3), Decimal("4.5"), Decimal(10)])
            ),
            intended=start > days // 2,
        )
        for start, end in zip(starts, ends, strict=True)
    ]
    return series.align(nights, bands, FIRST, FIRST + timedelta(days=days - 1))


def drawn(aligned: series.Aligned, width: int = 1080, title: str = "Nights", lead: str = "Worst itch") -> str:
    return drawing.svg(description.describe(aligned, title=title, width=width, lead_label=lead))


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own drawing


def line_of(svg: str, key: str) -> ET.Element | None:
    """The measure's line: the path that carries its data, not the sample in the legend."""
    found = [path for path in parsed(svg).iter(f"{SVG}path") if path.get("class") == f"chart-line-{key}"]
    return next((path for path in found if path.get("data-label")), None)


def runs_of(present: Callable[[int], bool], days: int) -> int:
    """Slow and obvious: a run begins on a night that has a value and follows one that has none."""
    return sum(1 for day in range(days) if present(day) and (day == 0 or not present(day - 1)))


@given(charted(), st.sampled_from([358, 720, 1080]))
def test_a_line_has_as_many_pieces_as_there_are_runs_of_answers(aligned: series.Aligned, width: int) -> None:
    svg = drawn(aligned, width)
    for key, column in COLUMNS.items():

        def answered(day: int, column: str = column) -> bool:
            held = aligned.nights[day]
            return held is not None and getattr(held, column) is not None

        expected = runs_of(answered, len(aligned.nights))
        line = line_of(svg, key)
        assert (line.get("d", "").count("M") if line is not None else 0) == expected


@given(charted())
def test_each_point_stands_on_its_night_at_its_value(aligned: series.Aligned) -> None:
    chart = description.describe(aligned, title="Nights")
    line = line_of(drawing.svg(chart), "pain")
    assert line is not None
    scale = chart.panels[3].lines[0].scale
    expected = [
        (chart.axis.middle(slot), scale.y(held.pain))
        for slot, held in enumerate(aligned.nights)
        if held is not None and held.pain is not None
    ]

    found = points(line.get("d", ""))

    assert len(found) == len(expected)
    for (x, y), (expected_x, expected_y) in zip(found, expected, strict=True):
        assert abs(x - expected_x) <= 0.1
        assert abs(y - expected_y) <= 0.1


def points(path: str) -> list[tuple[float, float]]:
    """Where a path of M and l goes, added up."""
    found = []
    for piece in path.split("M")[1:]:
        begin, _, moves = piece.partition("l")
        x, y = (float(number) for number in begin.removesuffix("h0").split())
        found.append((x, y))
        numbers = [float(number) for number in moves.split()]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + dx, y + dy
            found.append((x, y))
    return found


@given(charted())
def test_a_bar_stands_for_every_answer_even_nought(aligned: series.Aligned) -> None:
    answers = [held for held in aligned.nights if held is not None and held.dream_vividness is not None]
    bars = [path for path in parsed(drawn(aligned)).iter(f"{SVG}path") if path.find(f"{SVG}title") is not None]
    vividness = next(path for path in bars if path.get("class") == "chart-bars-vividness")
    assert vividness.get("d", "").count("M") == len(answers)


@given(charted())
def test_every_side_effect_is_marked_once(aligned: series.Aligned) -> None:
    logged = [pair for held in aligned.nights if held is not None for pair in held.side_effects]
    chart = description.describe(aligned, title="Nights")
    assert len(chart.panels[-1].marks) == len(logged)
    assert sum(mark.kind == "side-severe" for mark in chart.panels[-1].marks) == sum(s == "severe" for _, s in logged)


@given(charted(), text, text, st.sampled_from([358, 1080]))
def test_sound_xml_and_nothing_a_strict_policy_refuses(
    aligned: series.Aligned, title: str, lead: str, width: int
) -> None:
    svg = drawn(aligned, width, title, lead)
    root = parsed(svg)

    assert root.get("role") == "img"
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {"svg", "title", "desc", "g", "path", "rect", "text"}
        assert not [name for name in element.attrib if name == "style" or name.startswith("on") or "href" in name]
        places = " ".join(element.get(name, "") for name in ("d", "x", "y", "width", "height"))
        assert not re.search("nan|inf|e-", places)


def test_hostile_words_stay_words() -> None:
    bad = '"><script>alert(1)</script><a style="x'
    held = series.Night(FIRST, pain=1, lead_symptom=2, side_effects=((bad, bad),))
    aligned = series.align([held], [], FIRST, FIRST)

    svg = drawing.svg(description.describe(aligned, title=bad, lead_label=bad), ids_prefix='x"y')

    root = parsed(svg)
    assert not list(root.iter(f"{SVG}script"))
    assert not list(root.iter(f"{SVG}a"))
    assert root.find(f"{SVG}title").text == bad  # type: ignore[union-attr]


@given(charted())
def test_the_same_nights_draw_the_same(aligned: series.Aligned) -> None:
    assert drawn(aligned) == drawn(aligned)


@given(charted(), st.sampled_from([358, 1080]))
def test_everything_stands_inside_the_drawing(aligned: series.Aligned, width: int) -> None:
    chart = description.describe(aligned, title="Nights", width=width)
    for panel in chart.panels:
        assert 0 <= panel.top <= panel.bottom <= chart.height
        for mark in panel.marks:
            assert 0 < mark.y < chart.height
        for label in panel.labels:
            assert 0 <= label.x < width
    ordered = [(panel.top, panel.bottom) for panel in chart.panels]
    assert ordered == sorted(ordered)


@given(charted())
def test_the_run_in_is_at_most_seven_nights_after_a_change_in_force(aligned: series.Aligned) -> None:
    starts = {change.slot for change in aligned.changes if change.dose_mg is not None and not change.intended}
    for start, end in description.describe(aligned, title="Nights").run_ins:
        assert any(change <= start and end <= change + 7 for change in starts)
        assert 0 <= start < end <= len(aligned.nights)


@pytest.mark.parametrize("days", [1, 7, 730, 7300])
def test_work_grows_with_the_nights_and_no_faster(days: int) -> None:
    nights = [series.Night(FIRST + timedelta(days=day), pain=day % 11) for day in range(days)]
    svg = drawn(series.align(nights, [], FIRST, FIRST + timedelta(days=days - 1)))
    assert len(svg) < 12_000 + 130 * days


def test_crowded_weeks_with_fewer_than_four_nights_have_no_mean() -> None:
    logged = [*range(7), *range(7, 10), *range(14, 18)]
    nights = [series.Night(FIRST + timedelta(days=day), pain=6 if day < 7 else 2) for day in logged]
    aligned = series.align(nights, [], FIRST, FIRST + timedelta(days=699))

    weeks = description.describe(aligned, title="Nights").panels[3].lines[0].weeks

    assert [(week.start, week.mean) for week in weeks] == [(0, 6.0), (14, 2.0)]


def test_a_night_told_by_phone_has_a_ring_its_words_and_a_line_of_the_legend() -> None:
    nights = [
        series.Night(FIRST, "taken", Decimal(3), by_phone=True),
        series.Night(FIRST + timedelta(days=1), "taken", Decimal(3)),
    ]
    aligned = series.align(nights, [], FIRST, FIRST + timedelta(days=9))
    svg = drawn(aligned)
    titles = [title.text for title in parsed(svg).iter(f"{SVG}title")]
    assert len([title for title in titles if title and title.endswith("told by phone")]) == 1
    assert "Told by phone" in [text.text for text in parsed(svg).iter(f"{SVG}text")]
    assert series.summary(aligned).startswith("2 of 10 nights logged, 1 of them told by phone;")
    assert "by phone" not in drawn(series.align(nights[1:], [], FIRST, FIRST + timedelta(days=9)))


def test_a_new_lot_is_a_flag_with_its_words_and_a_line_of_the_legend() -> None:
    lots = [series.Lot(FIRST + timedelta(days=3), "A <1>"), series.Lot(FIRST - timedelta(days=3), "before")]
    aligned = series.align([], [], FIRST, FIRST + timedelta(days=9), lots=lots)
    for width in (358, 1080):
        svg = drawn(aligned, width)
        titles = [title.text for title in parsed(svg).iter(f"{SVG}title")]
        assert any(title and title.endswith("new lot A <1>") for title in titles)
        assert "New lot" in [text.text for text in parsed(svg).iter(f"{SVG}text")]
        assert "New lots: A &lt;1&gt; on" in svg
        assert "before" not in svg
    assert "New lot" not in drawn(series.align([], [], FIRST, FIRST + timedelta(days=9)))
