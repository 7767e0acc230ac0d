"""Places on the drawing keep the order of nights and values, and labels keep their distance."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from charts import axes

values = st.floats(0, 24, allow_nan=False)


@given(values, values, st.floats(1, 24), st.floats(0, 500), st.floats(1, 200))
def test_a_greater_value_never_stands_lower(one: float, other: float, high: float, top: float, height: float) -> None:
    scale = axes.Scale(0.0, high, top, top + height)
    less, more = sorted((one, other))

    assert scale.y(less) >= scale.y(more)
    assert top - 0.001 <= scale.y(more) <= scale.y(less) <= top + height + 0.001


@given(st.integers(1, 8000), st.integers(100, 2000))
def test_nights_stand_in_order_inside_the_drawing(count: int, width: int) -> None:
    axis = axes.TimeAxis(date(2025, 1, 6), count, 40.0, 40.0 + width)
    middles = [axis.middle(slot) for slot in range(count)]

    assert all(before < after for before, after in pairwise(middles))
    assert middles[0] > axis.left
    assert middles[-1] < axis.right
    assert axis.edge(-3) == axis.left
    assert axis.edge(count + 3) == axis.right


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 12_000), st.integers(200, 1300))
def test_dates_are_named_at_their_place_and_far_enough_apart(first: date, count: int, width: int) -> None:
    axis = axes.TimeAxis(first, count, 30.0, 30.0 + width)
    room = 50.0

    ticks = axes.date_ticks(axis, room)

    assert all((after.at - before.at) * axis.step >= room - 0.001 for before, after in pairwise(ticks))
    for tick in ticks:
        day = first + timedelta(days=int(tick.at))
        assert 0 <= tick.at < count
        assert tick.label in (f"{day.day} {day:%b}", f"{day:%b}", f"{day.year}")
        if tick.label != f"{day.day} {day:%b}":
            assert day.day == 1


@given(st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 4.5, 6.0, 10.0]), min_size=1), st.floats(5, 40))
def test_thinned_values_keep_their_distance_and_the_greatest(found: list[float], room: float) -> None:
    scale = axes.Scale(0.0, 10.0, 0.0, 90.0)
    kept = axes.thin(found, scale, room)

    assert kept[-1] == max(found)
    assert set(kept) <= set(found)
    assert all(scale.y(low) - scale.y(high) >= room - 0.001 for low, high in pairwise(kept))


@given(st.lists(values))
def test_the_scale_of_hours_holds_every_night(hours: list[float]) -> None:
    high = axes.sleep_high(hours)
    assert 12 <= high <= 24
    assert high % 4 == 0
    assert all(value <= high for value in hours)
