"""Words can be read and lines can be seen, in light and in dark: WCAG 2.2 AA computed from the tokens themselves."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "static" / "css"
WORDS, SHAPES = 4.5, 3.0

GROUNDS = ("ground", "surface", "sunken")
READ = [
    *((ink, ground, WORDS) for ink in ("ink", "ink-soft", "ink-faint", "accent", "danger") for ground in GROUNDS[:2]),
    *(("ink", soft, WORDS) for soft in ("sunken", "care-soft", "danger-soft", "good-soft", "accent-soft")),
    *((meaning, f"{meaning}-soft", WORDS) for meaning in ("good", "care", "danger", "meant")),
    ("ink-soft", "sunken", WORDS),
    ("ink-soft", "accent-soft", WORDS),
    ("accent-strong", "accent-soft", WORDS),
    ("accent", "danger-soft", WORDS),
    ("accent", "care-soft", WORDS),
    ("on-accent", "accent", WORDS),
    ("on-accent", "accent-strong", WORDS),
    ("on-danger", "danger", WORDS),
    ("ink-soft", "chart-ground", WORDS),
    ("ink-soft", "chart-run-in", WORDS),
    ("chart-dose", "chart-ground", WORDS),
]
SEEN = [
    *((edge, ground, SHAPES) for edge in ("rule-strong", "focus") for ground in GROUNDS[:2]),
    *(
        (f"chart-{line}", ground, SHAPES)
        for line in ("sleep", "distress", "pain", "fatigue", "lead", "dose", "severe", "moderate-edge")
        for ground in ("chart-ground", "chart-run-in")
    ),
]


def declared(block: str) -> dict[str, str]:
    return {name: value.strip() for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", block)}


def theme_of(sheet: str, theme: str) -> dict[str, str]:
    """The tokens a sheet sets for a theme: light ones from :root, dark ones from its media query over them."""
    text = re.sub(r"/\*.*?\*/", "", (CSS / sheet).read_text(), flags=re.DOTALL)
    light = declared(re.search(r"^:root \{(.*?)\n\}", text, re.DOTALL | re.MULTILINE)[1])  # type: ignore[index]
    asked = re.search(
        r'prefers-color-scheme: dark\) \{\s*:root:not\(\[data-theme="light"\]\) \{(.*?)\}', text, re.DOTALL
    )
    chosen = re.search(r'^:root\[data-theme="dark"\] \{(.*?)\}', text, re.DOTALL | re.MULTILINE)
    assert asked, f"{sheet} has no dark theme"
    assert chosen, f"{sheet} cannot be set to dark"
    assert declared(asked[1]) == declared(chosen[1]), f"{sheet}: the two ways into the dark differ"
    return light if theme == "light" else light | declared(asked[1])


def tokens(page: str, theme: str) -> dict[str, str]:
    found = theme_of("tokens.css", theme)
    if page == "portal":
        found |= theme_of("portal.css", theme)
    return found


def luminance(colour: str) -> float:
    def linear(part: str) -> float:
        share = int(part, 16) / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(colour[start : start + 2]) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def colour(found: dict[str, str], name: str) -> str:
    value = found[name]
    reference = re.fullmatch(r"var\(--([\w-]+)\)", value)
    return colour(found, reference[1]) if reference else value


@pytest.mark.parametrize("page", ["desk", "portal"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), READ + SEEN)
def test_enough_contrast(page: str, theme: str, ink: str, ground: str, least: float) -> None:
    found = tokens(page, theme)
    assert contrast(colour(found, ink), colour(found, ground)) >= least


def test_black_on_white_is_twenty_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
