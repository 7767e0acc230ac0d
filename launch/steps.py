"""Runs programs that come to an end: quiet ones of a start, and one in the foreground that has the terminal."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from launch.failure import Failure
from launch.identity import Identity
from launch.places import PYTHON, ROOT
from launch.supervise import die_with_parent


class AskedToStopError(BaseException):
    """Somebody pressed Ctrl-C, closed the terminal or sent SIGTERM."""


def listen_for_stop() -> None:
    """From now on a request to stop raises `AskedToStopError` in the main thread."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        raise AskedToStopError

    for asking in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(asking, ask)


def manage(*arguments: str) -> list[str]:
    """The command line of a Django command."""
    return [str(PYTHON), "manage.py", *arguments]


def call(command: Sequence[str], env: Mapping[str, str], account: Identity, problem: str) -> str:
    """Run quietly and return what it printed; when it fails, show what it said and end with a sentence."""
    done = _run(command, env, account, capture_output=True)
    if done.returncode:
        sys.stderr.write((done.stdout or "") + (done.stderr or ""))
        raise Failure(f"{problem}; what it said is above.")
    return done.stdout or ""


def begin(command: Sequence[str], env: Mapping[str, str], account: Identity) -> subprocess.Popen[str]:
    """Start a quiet step beside the others; `finish` waits for it."""
    return subprocess.Popen(
        command,
        env=dict(env),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
        **account.popen_arguments(),
    )


def finish(begun: subprocess.Popen[str], problem: str) -> None:
    """Wait for a step that was begun; when it failed, show what it said and end with a sentence."""
    with begun:
        said, _ = begun.communicate()
    if begun.returncode:
        sys.stderr.write(said)
        raise Failure(f"{problem}; what it said is above.")


def show(command: Sequence[str], env: Mapping[str, str], account: Identity, problem: str) -> None:
    """Run a program that draws its own progress on the terminal."""
    if _run(command, env, account).returncode:
        raise Failure(f"{problem}; what it said is above.")


def foreground(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a program that has the terminal and gets Ctrl-C itself; returns its exit code as a shell would."""
    child = subprocess.Popen(command, env=dict(env), cwd=ROOT, preexec_fn=die_with_parent(signal.SIGTERM))  # noqa: PLW1509
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for passed_on in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(passed_on, lambda number, _frame: child.send_signal(number))
    code = child.wait()
    return 128 - code if code < 0 else code


def _run(
    command: Sequence[str], env: Mapping[str, str], account: Identity, *, capture_output: bool = False
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=dict(env),
        cwd=ROOT,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=capture_output,
        text=True,
        process_group=0,
        preexec_fn=die_with_parent(signal.SIGTERM),
        **account.popen_arguments(),
    )
