"""Senders of their own processes, for tests that kill them: `python -m tests.reliability.nursery`.

Loads Django once and then forks: a line "send" on standard input makes one more sender and prints its process number.
The senders run what `reminderd` runs. Waits are shortened by the environment, never the order of things.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from tests import workers


class Nursery:
    """The nursery as the test sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def send(self) -> int:
        """One more sender; its process number."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("send\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def running(port: int, **environment: str) -> Iterator[Nursery]:
    """A nursery on this test's database and mail server; all its senders are gone when the block ends."""
    env = {
        **workers.environment(),
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(port),
        # The planner has just been, says the test: what is due is what it made, at whatever hour it runs.
        "TEST_PLAN_EVERY": "86400",
        **environment,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.nursery"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Nursery(process)
    finally:
        # The nursery leads a session of its own: its number is its group's, senders included.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def gone(pid: int) -> bool:
    """Whether this process is no more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def sender(every: float) -> None:
    """What a forked child runs until it is killed."""
    from django.core.management import call_command

    call_command("reminderd", every=every)


def prepare() -> None:
    """Load Django and shorten the waits as the environment says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ldn_clinic.settings")
    import django

    django.setup()
    from reminders import pace
    from reminders.services import rounds  # noqa: F401  loaded before the first fork, not after each

    paces: Any = pace
    if "TEST_PLAN_EVERY" in os.environ:
        paces.PLAN_EVERY = timedelta(seconds=float(os.environ["TEST_PLAN_EVERY"]))
    if "TEST_LEASE" in os.environ:
        paces.LEASE = timedelta(seconds=float(os.environ["TEST_LEASE"]))
    if "TEST_BACKOFF" in os.environ:
        paces.BACKOFF = (timedelta(seconds=float(os.environ["TEST_BACKOFF"])),) * 5


def main() -> None:
    prepare()
    # Dead senders need no funeral: the kernel buries them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sender(float(os.environ.get("TEST_EVERY", "0.1")))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
