"""The kinds of change by name, as rows and files keep them."""

from titration.engine import course
from titration.engine.course import Change

KINDS: dict[str, type] = {
    "begin": course.Begin,
    "hold": course.Hold,
    "resume": course.Resume,
    "advance": course.Advance,
    "step_back": course.StepBack,
    "go_to": course.GoTo,
    "stay_here": course.StayHere,
    "repeat_rung": course.RepeatRung,
    "change_lengths": course.ChangeLengths,
    "change_time": course.ChangeTime,
    "pause": course.Pause,
    "restart": course.Restart,
    "on_off": course.OnOff,
    "trial_reduction": course.TrialReduction,
    "stop": course.Stop,
    "change_protocol": course.ChangeProtocol,
    "supersede": course.Supersede,
}
_NAMES = {made: name for name, made in KINDS.items()}


def kind_of(change: Change) -> str:
    return _NAMES[type(change)]
