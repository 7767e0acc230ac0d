"""What a deed says when it will not be done. The same sentence greys the button and fills its hint."""


class Refused(Exception):
    """A deed that may not happen. `sentence` is what the user reads; it names no patient."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Stale(Refused):
    """Refused because what the user decided on has changed since it was shown to them."""
