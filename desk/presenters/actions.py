"""What can be done to a course: the words of every change, and which of them are offered now."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from desk.presenters.plan import Plan
from titration.engine import course, timeline
from titration.engine.course import Change
from titration.engine.refusals import EngineRefusal


@dataclass(frozen=True)
class Action:
    """One change as it is offered. `address` is the name of its page; `safe` ones lower or leave out and may be a
    nurse's."""

    address: str
    label: str
    title: str
    icon: str
    explained: str
    safe: bool = False
    main: bool = False


BEGIN = Action(
    "course_begin",
    "First dose taken",
    "The first dose was taken",
    "check",
    "The plan waits for its medicine. It begins with the first dose, and every step is counted from that day.",
    safe=True,
    main=True,
)
HOLD = Action("hold", "Hold", "Hold at this dose", "hold", "", safe=True, main=True)
ADVANCE = Action("advance", "Let the step happen", "Let the next step happen", "up", "", main=True)
EARLY = Action(
    "course_step_now",
    "Step now",
    "Step before its time",
    "up",
    "The next step takes force from the next dose on, before its days are over. It needs a reason.",
    main=True,
)
RESUME = Action(
    "course_resume",
    "Resume",
    "Resume",
    "check",
    "The hold or the pause ends: the same dose goes on and its days are counted again.",
    main=True,
)
RESTART = Action(
    "course_restart",
    "Restart",
    "Restart after a gap",
    "check",
    "After a short gap the same dose goes on; after a long one it is built up again from the lowest step.",
    main=True,
)
STEP_BACK = Action(
    "course_step_back",
    "Step back",
    "Go back one step",
    "left",
    "Down to the step below, for that step's days.",
    main=True,
)
GO_TO = Action(
    "course_go_to",
    "Go to a dose",
    "Go to a chosen dose",
    "right",
    "To any dose up to the ceiling, from a date on.",
    main=True,
)
PAUSE = Action(
    "course_pause",
    "Pause",
    "Pause: take no dose for a while",
    "stop",
    "No dose is taken. Steps and their bells wait.",
    safe=True,
    main=True,
)
STAY = Action(
    "course_stay",
    "Stay here: the best dose",
    "Stay at this dose",
    "mark",
    "This is the best dose: the climb ends as a success and no further step falls due.",
)
REPEAT = Action(
    "course_repeat", "Repeat this step", "Repeat this step", "clock", "The dose in force is taken for its days again."
)
LENGTHS = Action(
    "course_lengths",
    "Change the length of steps",
    "Change the length of coming steps",
    "clock",
    "Every step that begins from the date on lasts so many days; one without an end keeps having none.",
)
TIME = Action(
    "course_time",
    "Change the time of day",
    "Change the time of day",
    "moon",
    "Between an evening and a morning dose one day is left out, so that no two doses come close together.",
)
ON_OFF = Action(
    "course_on_off",
    "Days on and off",
    "Days on and off",
    "plan",
    "The dose is taken for some days and left out for some.",
)
TRIAL = Action(
    "course_trial",
    "Try a lower dose",
    "Try a lower dose",
    "left",
    "For some days; then a review is due, and the lower dose goes on until somebody decides.",
)
TEMPLATE = Action(
    "course_template",
    "Change the template",
    "Go on by another template",
    "plan",
    "From the highest of its steps that is not above the dose in force.",
)
STOP = Action("stop", "Stop", "Stop the plan", "stop", "", main=True)
TAKE_BACK = Action(
    "course_take_back",
    "Take back",
    "Take back a change",
    "left",
    "The course is as if the change had not been made. It stays on record as taken back.",
)


def offered(plan: Plan, *, next_on: date, prescribes: bool, holds: bool) -> list[Action]:
    """What this person may do to the course as it stands, in the order of the bar.

    Where a change asks for nothing but its date, the engine says whether it could be made now; the others say it
    beside their fields.
    """
    if not plan.is_open:
        return []
    found = _possible(plan, next_on)
    return [action for action in found if prescribes or (holds and action.safe)]


def _possible(plan: Plan, on: date) -> Iterator[Action]:
    segment = timeline.segment_on(plan.in_force, max(on, plan.in_force[0].from_on))
    if segment is None or segment.state is timeline.State.AWAITING:
        yield from (BEGIN, STOP)
        return
    held = segment.state is timeline.State.HELD
    paused = segment.state is timeline.State.PAUSED
    if held or (paused and _allowed(plan, course.Resume(on), on)):
        yield RESUME
    yield RESTART if paused else HOLD
    if not paused:
        yield from _while_taking(plan, on)
    yield STOP


def _while_taking(plan: Plan, on: date) -> Iterator[Action]:
    if timeline.next_step(plan.course) is not None:
        yield ADVANCE
    if _early(plan, on):
        yield EARLY
    asked: list[tuple[Action, Callable[[date], Change] | None]] = [
        (STEP_BACK, course.StepBack),
        (GO_TO, None),
        (PAUSE, None),
        (STAY, course.StayHere),
        (REPEAT, course.RepeatRung),
        (LENGTHS, None),
        (TIME, None),
        (ON_OFF, None),
        (TRIAL, None),
        (TEMPLATE, None),
    ]
    for action, made in asked:
        if made is None or _allowed(plan, made(on), on):
            yield action
    yield replace(RESTART, main=False)


def _early(plan: Plan, on: date) -> bool:
    rung = timeline.next_rung(plan.course)
    return rung is not None and _allowed(plan, course.Advance(rung, on, early=True), on)


def _allowed(plan: Plan, change: Change, on: date) -> bool:
    try:
        timeline.check(plan.course, change, today=on)
    except EngineRefusal:
        return False
    return True
