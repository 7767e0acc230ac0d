"""Drawing a patient's nights on the server: milliseconds a chart and bytes sent."""

import gzip
import random
import statistics
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from bench.line import Line
from charts import description, drawing, series

FIRST = date(2024, 1, 1)


def nights(count: int) -> list[series.Night]:
    """Made-up nights, one in six missing."""
    rng = random.Random(7)  # noqa: S311  made-up nights
    return [
        series.Night(
            night=FIRST + timedelta(days=day),
            taken="taken",
            taken_mg=Decimal("4.5"),
            sleep_hours=Decimal(rng.randrange(16, 36)) / 4,
            latency_min=rng.randrange(60),
            awake_min=rng.randrange(60),
            awakenings=rng.randrange(5),
            quality=rng.randint(1, 5),
            dream_vividness=rng.randint(0, 3),
            dream_distress=rng.randint(0, 10),
            pain=rng.randint(0, 10),
            fatigue=rng.randint(0, 10),
            lead_symptom=rng.randint(0, 10),
            side_effects=(("Headache", "mild"),) if day % 9 == 0 else (),
        )
        for day in range(count)
        if rng.random() > 1 / 6
    ]


def draw(told: list[series.Night], count: int) -> str:
    """The whole way from nights to SVG."""
    steps = [FIRST + timedelta(days=14 * step) for step in range(3)]
    ends = [*steps[1:], None]
    bands = [
        series.DoseBand(first, end, Decimal("1.5") * (step + 1), "taking")
        for step, (first, end) in enumerate(zip(steps, ends, strict=True))
    ]
    aligned = series.align(told, bands, FIRST, FIRST + timedelta(days=count - 1))
    return drawing.svg(description.describe(aligned, title="Nights and doses", width=960))


def lines() -> Iterator[Line]:
    """730 and 7,300 nights."""
    for count, target in ((730, "target 10 ms"), (7_300, "ten times the nights")):
        told, took = nights(count), []
        svg = draw(told, count)
        for _ in range(20 if count < 1_000 else 5):
            began = time.process_time()
            draw(told, count)
            took.append((time.process_time() - began) * 1000)
        packed = len(gzip.compress(svg.encode()))
        yield Line(f"{count} nights drawn", f"{statistics.median(took):.1f} ms", target)
        yield Line(f"{count} nights as SVG, compressed", f"{packed / 1000:.1f} kB", f"{len(svg) / 1000:.0f} kB raw")
