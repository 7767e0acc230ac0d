"""Places where a test may kill the process, so that "what if it dies here?" has an answer. Elsewhere: nothing."""

import os
import signal

_ARMED = os.environ.get("FAULTS") == "1"
_HERE = os.environ.get("FAULTPOINT", "")


def _pass_by(name: str) -> None:
    """What production runs: nothing."""


def _die_here(name: str) -> None:
    if name == _HERE:
        os.kill(os.getpid(), signal.SIGKILL)


faultpoint = _die_here if _ARMED else _pass_by
