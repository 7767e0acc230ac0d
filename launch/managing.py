"""`./clinic manage …`: Django's commands on this clone's database, whether the clinic runs now or not."""

import os
import signal

from launch import running, settings, stack, statics, steps
from launch.stack import Stack
from launch.supervise import Household

OWNERS_COMMANDS = {
    "migrate",
    "makemigrations",
    "sqlmigrate",
    "pgtrigger",
    "seal_again",
    "erase_due",
    "clinic_new",
}  # they change or read the shape of the tables, rewrite what nobody else may, or say which clinics there are


WORKERS_COMMANDS = {
    "reminderd",
    "audit_seal",
    "audit_verify",
    "audit_anchor",
}  # they do what the worker does, with its rights


def manage(arguments: list[str]) -> int:
    """Run one command with the environment of the running clinic, or with servers started for its duration."""
    statics.ensure_modules()
    given = settings.read(os.environ)
    state = stack.state_of(given)
    if state.folder.exists() and (record := state.read_record()) and not state.claim():
        return _run(arguments, Stack(record, state.folder))
    state.release()
    state = running.take_state(given)
    household = Household(on_change=state.write_processes)
    steps.listen_for_stop()
    try:
        servers, _ = running.bring_up(given, state, household)
        return _run(arguments, servers)
    except steps.AskedToStopError:
        return 128 + signal.SIGINT
    finally:
        household.stop()


def _run(arguments: list[str], servers: Stack) -> int:
    return steps.foreground(steps.manage(*arguments), _environment((arguments or [""])[0], servers))


def _environment(command: str, servers: Stack) -> dict[str, str]:
    if command in OWNERS_COMMANDS:
        return servers.owner_environment()
    return servers.worker_environment() if command in WORKERS_COMMANDS else servers.environment()
