"""The nightly question about other medicines: which answers stop the dose. Pure."""

from patients import medicines

YES, UNSURE = "yes", "unsure"
LEFT_OUT_FOR_AN_OPIOID = "opioid"
"""The reason for a dose left out (`items.toml`) that says what this question asks."""


def trips(answer: str, words: str) -> bool:
    """Whether this answer stops the dose until the clinic has answered (clinical facts 6.1, line 5).

    After a yes the product decides: an opioid or an unknown one trips; one that only asks for care, or is known and no
    opioid, does not. Who is not sure trips whatever they name: the doubt may be about more than the name.
    """
    return answer == UNSURE or (answer == YES and medicines.recognise(words).trips)


def left_unsaid(skipped_because: str, answer: str) -> bool:
    """Whether a dose was left out for a strong painkiller, and the question about one got a no or no answer."""
    return skipped_because == LEFT_OUT_FOR_AN_OPIOID and answer not in (YES, UNSURE)
