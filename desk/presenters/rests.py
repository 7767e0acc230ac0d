"""The names of what a rule looked at, as a page says them."""

NAMES = {
    "after": "Nights with side effects after",
    "again": "A flag from night",
    "again_from": "Begun anew from day",
    "answer": "The answer",
    "bad": "Bad nights",
    "before": "Before",
    "asked": "Asked",
    "before_hours": "Hours asleep before",
    "beyond_use_on": "Beyond use from",
    "blood": "Blood",
    "count": "How many",
    "change": "Change",
    "day": "Day at this dose",
    "days": "Days",
    "days_since": "Days since",
    "distress": "Distress by dreams",
    "dose": "Dose",
    "dose_before": "Dose before",
    "dose_now": "Dose now",
    "doses": "Doses left out",
    "due_on": "Due",
    "earliest_start_on": "Earliest first dose",
    "exposure": "Opioid before it",
    "extra": "More than before the first dose",
    "first": "Expected up to night",
    "free_days": "Opioid-free days",
    "free_since": "Opioid-free since",
    "gap": "Nights without a dose",
    "high": "Held against, times the upper end",
    "hits": "Nights with it",
    "hours": "Hours",
    "item9": "Item 9",
    "last_dose_on": "Last dose",
    "last_on": "Last one",
    "left": "Left",
    "left_out": "Doses left out",
    "limit": "Held against",
    "line": "Held against",
    "logged": "Nights told",
    "logged_before": "Nights told before",
    "lost_minutes": "Minutes of sleep lost",
    "medicine": "Medicine",
    "menstrual": "Menstrual week",
    "missed": "Doses left out",
    "most": "At most",
    "names": "Questionnaires",
    "night": "Night",
    "nights": "Nights",
    "notify_on": "The anaesthetist is told by",
    "now": "Now",
    "now_hours": "Hours asleep now",
    "off": "Nights without a dose",
    "offered_dose": "The dose it offers",
    "on": "Date",
    "percent": "Better by, %",
    "pgic": "The patient's own word, 1 to 7",
    "planned": "Planned",
    "possible": "Nights there were",
    "response": "Response",
    "restart_on": "May begin again",
    "rise": "Rise",
    "run_out_on": "Runs out",
    "score": "Score",
    "signs": "Signs",
    "since": "Since",
    "stools_vs_normal": "Stools against the usual",
    "taken": "Taken",
    "target": "Target",
    "test": "Test",
    "tests": "Tests",
    "then": "Before",
    "times": "Times the upper end",
    "told": "Nights told",
    "total": "Score",
    "unit": "Unit",
    "untold": "Nights not told of",
    "upper_end": "Upper end",
    "value": "Value",
    "washout_days": "Opioid-free days asked for",
    "weeks": "Weeks",
    "weighed_on": "Weighed",
    "weight_kg": "Weight, kg",
    "worst": "Worst distress by dreams",
}
PIECES = frozenset(
    {
        *("class", "compared", "do", "how", "item", "kind", "look", "means", "more", "new", "notify"),
        *("offer", "said", "silent", "wait", "way", "what", "when", "which", "whose", "why", "you_do"),
    }
)
"""Codes, and bits of the sentence that say nothing where they stand alone."""

DOSES = frozenset({"dose", "dose_before", "dose_now", "most", "offered_dose", "planned", "taken", "target"})
"""Milligrams where they are kept as text; a number among them is a count."""


def named(name: str) -> str:
    """The name to show; "" where it is not for a page."""
    return "" if name in PIECES else NAMES.get(name, name.replace("_", " ").capitalize())


def amount(name: str, value: str) -> str:
    """A dose never stands without its unit."""
    return f"{value} mg" if name in DOSES and value.replace(".", "", 1).isdigit() else value
