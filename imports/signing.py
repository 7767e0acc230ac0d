"""Pure: a plan of a table as it would be signed, and what only an import has to see to.

Three hundred plans are signed in one go: nobody looks at each as closely as at one, so what would at once do something
nobody decided is refused.
"""

from dataclasses import dataclass
from datetime import date

from imports import plans
from imports.plans import Plan
from imports.rows import Row
from titration.engine import timeline
from titration.engine.course import Course
from titration.engine.words import day_in_words


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """The plan of a row, and the course it means today."""

    row: Row
    plan: Plan
    course: Course
    today: date

    @property
    def identity(self) -> list[str]:
        """What it is known again by: all that is signed, and the template as it stands."""
        return [str(self.row.number), repr(self.plan), self.plan.template.protocol.fingerprint()]


def against(course: Course, plan: Plan, *, today: date) -> tuple[str, str] | None:
    """The column that stands against signing, and why; None where nothing does."""
    if plan.first_dose is None:
        return None
    now = timeline.segment_on(timeline.unfold(course), today)
    if now is not None and now.state is timeline.State.ENDED:
        since = day_in_words(now.from_on)
        return plans.PLAN, f"By this template nothing would be taken since {since}. Choose one that goes on."
    due = timeline.next_step(course)
    if plan.mode == plans.PLANNED and due is not None and due.on <= today:
        return plans.STEPS, (
            f"The step to {due.dose} fell due on {day_in_words(due.on)} and would happen at once. "
            f"Write {plans.CONFIRMED}, or the current dose as the target."
        )
    return None
