"""The commands of ./clinic."""

import os
import sys
from collections.abc import Callable
from importlib import import_module

from launch import bootstrap
from launch.failure import Failure
from launch.places import PYTHON, ROOT, VENV

HELP = """\
./clinic run                start the clinic: database, broker, mail catcher, web, worker and clock; Ctrl-C stops it
./clinic test [pytest …]    run the tests on throw-away servers; CI=true adds the long ones
./clinic check              judge style, types, storeys, migrations, settings and templates; never writes
./clinic fix                put style and templates in order
./clinic bench [name …]     measure, on throw-away servers; judging --patients 100000 for a whole midnight
./clinic manage …           Django's commands, on this clinic's database
./clinic lock               write the locked requirements anew from the .in files

Settings by environment: PORT, DATABASE_URL (and DATABASE_APP_URL,
DATABASE_WORKER_URL, DATABASE_EXPORT_URL), BROKER_URL, EMAIL_HOST, EMAIL_PORT, CLINIC_BASE_URL,
CLINIC_STATE_DIR, CLINIC_DEMO, SECRET_KEY, ALLOWED_HOSTS. With none of them everything runs on this machine by itself.
"""

# Command: the packages it needs, and where it is.
COMMANDS = {
    "run": ("runtime", "launch.running", "run"),
    "manage": ("runtime", "launch.managing", "manage"),
    "test": ("dev", "launch.testing", "test"),
    "check": ("dev", "launch.checking", "check"),
    "fix": ("dev", "launch.checking", "fix"),
    "bench": ("dev", "launch.testing", "bench"),
    "lock": ("dev", "launch.locking", "lock"),
}


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; a failure is one sentence on standard error and exit code 2."""
    name, rest = (arguments or ["help"])[0], arguments[1:]
    if name in ("help", "-h", "--help"):
        print(HELP, end="")
        return 0
    if name not in COMMANDS:
        print(f"There is no command “{name}”. ./clinic help lists them.", file=sys.stderr)
        return 2
    os.umask(0o022)  # the servers' account must reach what root makes; secrets are closed one by one
    try:
        return _run(name, rest)
    except Failure as failure:
        print(f"clinic: {failure}", file=sys.stderr)
    except OSError as error:
        if error.errno is None:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"clinic: {error.strerror}{where}.", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2


def _run(name: str, rest: list[str]) -> int:
    kind, module, function = COMMANDS[name]
    bootstrap.ensure(kind)
    if name == "manage" and rest[:1] in (["titrate"], ["replay_course"]):  # arithmetic: no server, an answer at once
        os.execv(PYTHON, [str(PYTHON), str(ROOT / "manage.py"), *rest])
    if sys.prefix != str(VENV):
        os.execv(PYTHON, [str(PYTHON), str(ROOT / "clinic"), name, *rest])
    command: Callable[..., int] = getattr(import_module(module), function)
    return command(rest) if name in ("manage", "test", "bench", "check") else command()
