"""`./clinic run`: everything that the product needs, on one machine, until Ctrl-C."""

import http.client
import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

from launch import database, identity, settings, stack, statics, steps
from launch.failure import Failure
from launch.identity import Identity
from launch.places import PYTHON, ROOT
from launch.servers import LOOPBACK, is_free
from launch.settings import Given
from launch.stack import Stack
from launch.state import Record, State
from launch.steps import AskedToStopError
from launch.supervise import Household, Program, Running, say

SEED = ("seed_demo", "--patients", "40", "--days", "120", "--seed", "7")
DEMO_CLINIC = "Demo Clinic"
FIRST_PAGE = 60  # seconds until a start without a page is a failure


def run() -> int:
    """Start everything, keep it running, stop it in order."""
    started = time.monotonic()
    given = settings.read(os.environ)
    stack.check_shared_memory()
    state = take_state(given)
    if not is_free(given.port):
        raise Failure(
            f"Port {given.port} is in use by another program. Choose another one: PORT={given.port + 1} ./clinic run"
        )
    statics.ensure_modules()
    household = Household(on_change=state.write_processes)
    steps.listen_for_stop()
    try:
        _start_all(given, state, household, started)
        sentence = household.watch(lambda: False)
        raise Failure(sentence or "")
    except AskedToStopError:
        say("stopping; Ctrl-C once more ends everything at once")
        return 0
    finally:
        _stop(state, household)


def take_state(given: Given) -> State:
    """This clone's state, ready and held by us alone."""
    state = stack.state_of(given)
    state.prepare(identity.service(), identity.application())
    if not state.claim():
        record = state.read_record()
        where = f" at {record.base_url}" if record else ""
        raise Failure(
            f"This clinic is running already{where}; stop it first, or name another folder in CLINIC_STATE_DIR."
        )
    state.check_space()
    state.wait_for_leftovers()
    state.remove_record()
    return state


def bring_up(given: Given, state: State, household: Household) -> tuple[Stack, list[str]]:
    """Servers started and the tables as this version of the code needs them."""
    servers, lines = stack.start(given, state, household)
    command = steps.manage("seal_again", "--start")
    problem = "The clinic could not be made ready"
    said = steps.call(command, servers.owner_environment(), identity.myself(), problem)
    if servers.record.demo and not given.demo_in_words:
        _refuse_a_demo_over_records(servers)
    return servers, [*lines, *said.splitlines()]


def _refuse_a_demo_over_records(servers: Stack) -> None:
    """One click must not sign anybody in where somebody's records may be."""
    if database.holds_a_clinic_beside(DEMO_CLINIC, servers.record.owner_url):
        raise Failure(
            "This database holds a clinic of your own, and demo mode lets anybody sign in with one click and read the "
            "mail. Start with CLINIC_DEMO=0; if these records may be seen by everybody, say "
            f"CLINIC_DEMO={settings.YES_ON_THIS_DATABASE}."
        )


def _start_all(given: Given, state: State, household: Household, started: float) -> None:
    say(_software())
    account = identity.application()
    building = _begin_statics(given, state, account)
    servers, lines = bring_up(given, state, household)
    stack.announce([*lines, *_whose(account)])
    if building:
        steps.finish(building, "The static files could not be built")
        _mark(state).write_text(statics.digest(statics.inputs()))
    web, *behind = programs(given, servers, account)
    page = household.start(web)
    sign_ins = _demo_clinic(state, servers, account) if servers.record.demo else []
    _wait_for_first_page(given.port, page)
    state.write_record(servers.record)
    say(f"ready after {time.monotonic() - started:.1f} s: {given.base_url}")
    for program in behind:  # a moment later: the first page has the processor for itself
        household.start(program)
    stack.announce([*sign_ins, "Ctrl-C stops everything"])


def _demo_clinic(state: State, servers: Stack, account: Identity) -> list[str]:
    """Load the made-up clinic at the first start; returns the lines that say how to sign in."""
    if not state.has("demo-clinic"):
        say("loading the demo clinic")
        steps.show(steps.manage(*SEED), _as(account, servers), account, "The demo clinic could not be loaded")
        state.remember("demo-clinic")
    problem = "The demo sign-ins could not be listed"
    return steps.call(steps.manage("demo_signins"), _as(account, servers), account, problem).splitlines()


def programs(given: Given, servers: Stack, account: Identity) -> list[Program]:
    """Web, worker and beat, in the order of starting."""
    env = _fit(account, servers, servers.environment())
    worker_env = _fit(account, servers, servers.worker_environment())
    schedule = servers.folder / "beat" / "schedule"
    celery = ["celery", "-A", "ldn_clinic", "--quiet"]
    web = web_command(given.port)
    worker = [*celery, "worker", "-c", "2", "-l", "WARNING", "--without-mingle", "--without-gossip"]
    beat = [*celery, "beat", "-l", "WARNING", "--pidfile=", "-s", str(schedule)]
    return [
        _program("web", web, env, account, grace=15),
        _program("worker", worker, worker_env, account, grace=35),
        _program("beat", beat, worker_env, account, grace=10),
    ]


def web_command(port: int) -> list[str]:
    """The web server as it runs here: two processes of four threads."""
    command = ["gunicorn", "ldn_clinic.wsgi", "--bind", f"{LOOPBACK}:{port}", "--workers", "2", "--threads", "4"]
    command += ["--config", "python:ldn_clinic.server", "--preload", "--no-control-socket"]
    return [*command, "--log-level", "warning", "--graceful-timeout", "10"]


def _program(name: str, command: list[str], env: dict[str, str], account: Identity, grace: float) -> Program:
    return Program(name, [PYTHON, "-m", *command], env, account, cwd=ROOT, grace=grace)


def _as(account: Identity, servers: Stack) -> dict[str, str]:
    """The application's environment, fit for the account that runs it."""
    return _fit(account, servers, servers.environment())


def _fit(account: Identity, servers: Stack, env: dict[str, str]) -> dict[str, str]:
    if account.uid == 0:
        # Celery refuses, or complains at length; the line printed at the start says why it is root.
        env |= {"C_FORCE_ROOT": "1", "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
    elif account.uid != os.geteuid():
        env["HOME"] = str(servers.folder)
        env["PYTHONDONTWRITEBYTECODE"] = "1"
    return env


def _software() -> str:
    named = {"Django": "django", "Celery": "celery", "gunicorn": "gunicorn"}
    versions = ", ".join(f"{name} {version(package)}" for name, package in named.items())
    return f"Python {platform.python_version()}, {versions}"


def _whose(account: Identity) -> list[str]:
    if account.uid == 0:
        name = identity.service().name
        return [f"web, worker and mail run as root: {name} cannot read this folder or its Python"]
    return [f"web, worker and mail run as {account.name}"] if os.geteuid() == 0 else []


def _begin_statics(given: Given, state: State, account: Identity) -> subprocess.Popen[str] | None:
    """Begin to build the static files when what they are made from has changed; the servers start meanwhile.

    They need the settings and no server, so the addresses in their environment lead nowhere.
    """
    mark = _mark(state)
    if mark.exists() and mark.read_text() == statics.digest(statics.inputs()):
        return None
    mark.unlink(missing_ok=True)
    say("building the static files")
    nowhere = "postgres://nobody@127.0.0.1:9/none"
    record = Record(
        application_url=nowhere,
        worker_url=nowhere,
        export_url=nowhere,
        backup_url=nowhere,
        owner_url=nowhere,
        broker_url="redis://127.0.0.1:9/0",
        mail_host=LOOPBACK,
        mail_port=9,
        credentials=state.credentials(given, account),
        base_url=given.base_url,
        demo=given.demo,
        own_mail=True,
        own_database=True,
    )
    return steps.begin(statics.collect_command(), _as(account, Stack(record, state.folder)), account)


def _mark(state: State) -> Path:
    return state.folder / "static.inputs"


def _wait_for_first_page(port: int, web: Running) -> None:
    end = time.monotonic() + FIRST_PAGE
    while time.monotonic() < end and web.is_alive():
        if _serves(port):
            return
        time.sleep(0.05)
    raise Failure(f"The web server gave no page within {FIRST_PAGE} s; its last lines are above.")


def _serves(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    try:
        connection.request("GET", "/healthz/live", headers={"Host": "localhost"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(state: State, household: Household) -> None:
    """Stop all in order; a second Ctrl-C does not wait."""
    try:
        state.remove_record()
        household.stop()
        say("everything is stopped")
    except AskedToStopError:
        household.kill()
        say("everything was ended at once")
