"""Processes are shown with a prefix, started again when they fall, and stopped in order."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launch import identity, supervise
from launch.places import ROOT
from launch.supervise import Household, Program


def program(name, script, **more):
    return Program(name, ["/bin/sh", "-c", script], {"PATH": "/usr/bin:/bin"}, identity.myself(), **more)


@pytest.fixture
def household():
    made = Household()
    yield made
    made.kill()


def test_every_line_says_who_speaks(household, capsys):
    running = household.start(program("web", "echo one; echo two >&2"))
    running.popen.wait(60)
    assert running.said().splitlines() == ["one", "two"]
    assert capsys.readouterr().out.splitlines() == ["web      │ one", "web      │ two"]


def test_who_asks_is_stopped_before_who_answers(household, tmp_path):
    log = tmp_path / "order"
    for name in ("postgres", "valkey", "web", "worker", "beat"):
        script = f"trap 'echo {name} >> {log}; exit 0' TERM; echo up; while :; do sleep 0.05; done"
        running = household.start(program(name, script))
        while "up" not in running.program.last_lines:
            time.sleep(0.02)
    household.stop()
    assert log.read_text().split() == ["web", "beat", "worker", "valkey", "postgres"]
    assert household.members == []


def test_who_does_not_listen_is_killed_after_its_grace(household):
    running = household.start(program("worker", "trap '' TERM; echo up; sleep 60 & wait; sleep 60", grace=0.3))
    while "up" not in running.program.last_lines:
        time.sleep(0.02)
    household.stop()
    assert running.popen.returncode == -signal.SIGKILL


def test_who_falls_is_started_again(household, tmp_path):
    count = tmp_path / "count"
    household.start(program("beat", f"echo x >> {count}; [ $(wc -l < {count}) -ge 2 ] && sleep 60; exit 3"))
    deadline = time.monotonic() + 60
    household.watch(lambda: time.monotonic() > deadline or (count.exists() and count.read_text().count("x") == 2), 0.02)
    assert count.read_text().count("x") == 2


def test_who_falls_again_and_again_ends_the_run(household):
    household.start(program("beat", "exit 3"))
    calls = itertools.count()
    sentence = household.watch(lambda: next(calls) > 1000, 0.02)
    assert sentence is not None
    assert "exit code 3" in sentence


def test_settings_by_standard_input_are_not_arguments(household):
    running = household.start(program("valkey", "cat", given_input="requirepass secret\n"))
    running.popen.wait(60)
    assert running.said() == "requirepass secret"
    assert "secret" not in " ".join(running.popen.args)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_nothing_outlives_a_killed_launcher(tmp_path):
    script = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from launch import identity
from launch.supervise import Household, Program
household = Household()
running = household.start(Program("web", ["/bin/sleep", "600"], {{}}, identity.myself()))
print(running.popen.pid, flush=True)
time.sleep(600)
"""
    launcher = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = int(launcher.stdout.readline())
    os.kill(launcher.pid, signal.SIGKILL)
    launcher.wait()
    launcher.stdout.close()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        if "Z" in Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[:1]:
            break  # ended, and waits for whoever inherited it to notice
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{child}").exists()


def test_the_terminal_may_go_away(monkeypatch):
    closed = open(os.devnull, "w")  # noqa: PTH123, SIM115
    closed.close()
    monkeypatch.setattr(supervise.sys, "stdout", closed)
    supervise.say("nobody hears this")
    supervise.sys.stdout.close()
