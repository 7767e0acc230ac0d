"""Starts processes, shows what they say with a prefix, starts a fallen one again, and stops all in order.

Each child is in a process group of its own, so that Ctrl-C reaches the launcher alone, and asks the kernel to be told
when the launcher dies (Linux), so that not even `kill -9` of the launcher leaves a server behind.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from launch.identity import Identity

STOP_ORDER = ("web", "beat", "worker", "mail", "valkey", "postgres")  # who asks ends before who answers
COLOURS = {"postgres": 34, "valkey": 31, "mail": 33, "web": 32, "worker": 35, "beat": 36}
PR_SET_PDEATHSIG = 1
LIVES = 3  # starts within MINUTE that a process may need before everything stops
MINUTE = 60.0


@dataclass
class Program:
    """What to start and how to end it. `stop_signal` asks it to finish; after `grace` seconds it is killed."""

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    identity: Identity
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 15.0
    given_input: str = ""
    log: Path | None = None  # a file instead of the terminal
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=20))


class Running:
    """A started program. Must be made by the main thread: the kernel's death signal follows the thread that forked."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.started = time.monotonic()
        self._reader: threading.Thread | None = None
        log = program.log.open("wb") if program.log else None
        self.popen = subprocess.Popen(
            [str(part) for part in program.command],
            env=dict(program.env),
            cwd=program.cwd,
            stdin=subprocess.PIPE if program.given_input else subprocess.DEVNULL,
            stdout=log or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=die_with_parent(program.stop_signal),  # noqa: PLW1509 (two system calls, no locks)
            **program.identity.popen_arguments(),
        )
        if log:
            log.close()
        if program.given_input and self.popen.stdin:
            self.popen.stdin.write(program.given_input.encode())
            self.popen.stdin.close()
        if self.popen.stdout:
            self._reader = threading.Thread(target=self._show, args=(self.popen.stdout,), daemon=True)
            self._reader.start()

    def is_alive(self) -> bool:
        """True while the process runs."""
        return self.popen.poll() is None

    def said(self) -> str:
        """Its last lines, for the sentence that tells why it fell."""
        if self._reader:
            self._reader.join(timeout=1)
        if self.program.log:
            text = self.program.log.read_text(errors="replace").splitlines()
            return "\n".join(text[-20:])
        return "\n".join(self.program.last_lines)

    def stop(self) -> None:
        """Ask it to finish, wait for its grace, then kill its whole group."""
        if self.is_alive():
            self.popen.send_signal(self.program.stop_signal)
            try:
                self.popen.wait(self.program.grace)
            except subprocess.TimeoutExpired:
                say(f"{self.program.name} did not stop within {self.program.grace:.0f} s and is killed.")
        self.kill()

    def kill(self) -> None:
        """End it and what it left in its process group at once."""
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        finally:
            self.popen.wait()
            if self._reader:
                self._reader.join(timeout=1)

    def _show(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                line = raw.decode(errors="replace").rstrip()
                self.program.last_lines.append(line)
                say(line, self.program.name)


class Household:
    """Every process of one run."""

    def __init__(self, on_change: Callable[[list[int]], None] = lambda _pids: None) -> None:
        self.members: list[Running] = []
        self._on_change = on_change
        self._falls: dict[str, list[float]] = {}

    def start(self, program: Program) -> Running:
        """Start a program and remember it."""
        running = Running(program)
        self.members.append(running)
        self._tell()
        return running

    def forget(self, running: Running) -> None:
        """Drop a member that was stopped on purpose or never came up."""
        self.members.remove(running)

    def watch(self, is_asked_to_stop: Callable[[], bool], pause: float = 0.2) -> str | None:
        """Wait until asked to stop (None) or until a process keeps falling (a sentence). Starts fallen ones again."""
        while not is_asked_to_stop():
            for place, member in enumerate(self.members):
                if member.is_alive():
                    continue
                name, code = member.program.name, member.popen.returncode
                if not self._may_live_again(name):
                    return f"{name} ended again and again (last exit code {code}); its last lines are above."
                if member.program.log:
                    say(member.said(), name)
                say(f"{name} ended with exit code {code} and is started again.")
                member.kill()
                self.members[place] = Running(member.program)
                self._tell()
            time.sleep(pause)
        return None

    def stop(self) -> None:
        """Stop all: first those who ask, then those who answer."""
        for member in sorted(self.members, key=lambda member: STOP_ORDER.index(member.program.name)):
            member.stop()
            self.members.remove(member)

    def kill(self) -> None:
        """End all at once; for the second Ctrl-C."""
        for member in reversed(self.members):
            member.kill()
        self.members.clear()

    def _tell(self) -> None:
        self._on_change([member.popen.pid for member in self.members])

    def _may_live_again(self, name: str) -> bool:
        now = time.monotonic()
        falls = [fall for fall in self._falls.get(name, []) if now - fall < MINUTE]
        self._falls[name] = [*falls, now]
        return len(falls) < LIVES


_terminal = threading.Lock()


def say(line: str, name: str = "clinic") -> None:
    """Print one line, prefixed by who says it; coloured on a terminal unless NO_COLOR is set."""
    with _terminal:
        try:
            prefix = f"{name:<8} │ "
            if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
                prefix = f"\033[{COLOURS.get(name, 1)}m{prefix}\033[0m"
            print(prefix + line, flush=True)
        except (OSError, ValueError):  # the reader of our output is gone: the servers matter more
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 (stays open for the rest of the run)


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """What a child does before it becomes its program: it asks for `death_signal` when the launcher is gone."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def ask() -> None:
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_DFL)
        if libc:
            libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # it died between the fork and the request
                os._exit(1)

    return ask
