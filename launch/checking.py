"""`./clinic check` judges and never writes; `./clinic fix` puts in order what a program can put in order."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from launch import stack, statics, steps
from launch.places import PYTHON, ROOT, VENV

# Modules that compute from their arguments and nothing else: these must satisfy the strictest type checker.
PURE = (
    "launch",
    "common/dose.py",
    "common/night.py",
    "common/clock.py",
    "common/refusals.py",
    "common/keyring.py",
    "audit/chain.py",
    "titration/engine",
    "titration/command_line.py",
    "titration/replay",
    "patients/consent.py",
    "patients/screening.py",
    "imports/columns.py",
    "imports/dates.py",
    "imports/plans.py",
    "imports/rows.py",
    "imports/signing.py",
    "imports/staged.py",
    "patients/labs.py",
    "symptoms/crisis.py",
    "symptoms/instrument_files.py",
    "symptoms/items.py",
    "symptoms/rhythm.py",
    "symptoms/scoring.py",
    "reminders/occurrences.py",
    "reminders/states.py",
    "charts/labs.py",
    "charts/series.py",
    "charts/axes.py",
    "charts/description.py",
    "charts/drawing.py",
    "exports/writers",
)


@dataclass(frozen=True)
class Check:
    """One tool's judgement: exit code 0 is good."""

    name: str
    command: list[str]
    env: Mapping[str, str] = field(default_factory=dict)


def check(arguments: list[str]) -> int:
    """Run every check, or those whose names begin with an argument; writes nothing, prints a line for each."""
    statics.ensure_modules()
    steps.listen_for_stop()
    try:
        with stack.throw_away(with_broker=False) as servers:
            chosen = [one for one in _checks(servers) if not arguments or one.name.startswith(tuple(arguments))]
            with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
                good = [
                    _report(one, done, took) for one, (done, took) in zip(chosen, pool.map(_judge, chosen), strict=True)
                ]
    except steps.AskedToStopError:
        return 130
    print(f"{sum(good)} of {len(good)} checks are good.")
    return 0 if good and all(good) else 1


def fix() -> int:
    """Let the formatters and the linter's safe corrections write."""
    commands = [
        [str(PYTHON), "-m", "ruff", "check", "--fix", "--exit-zero", "--quiet", "."],
        [str(PYTHON), "-m", "ruff", "format", "."],
    ]
    if templates := _templates():
        commands.append([str(VENV / "bin" / "djade"), "--target-version", "5.2", *templates])
    for command in commands:
        subprocess.run(command, cwd=ROOT, check=False)
    return 0


def _checks(servers: stack.Stack) -> list[Check]:
    python = [str(PYTHON), "-m"]
    contracts = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    checks = [
        Check("types, strict, of the pure parts", [*python, "mypy", "--cache-dir", os.devnull, *PURE]),
        Check("style", [*python, "ruff", "check", "--no-cache", "."]),
        Check("format", [*python, "ruff", "format", "--no-cache", "--check", "."]),
        Check("storeys", [str(PYTHON), "-c", contracts, "--no-cache", "--no-logo"]),
        Check("migrations", steps.manage("makemigrations", "--check", "--dry-run"), servers.owner_environment()),
        Check("settings", steps.manage("check", "--deploy", "--fail-level", "WARNING"), _in_earnest(servers)),
    ]
    if templates := _templates():
        checks.append(
            Check("templates", [str(VENV / "bin" / "djade"), "--check", "--target-version", "5.2", *templates])
        )
    return checks


def _in_earnest(servers: stack.Stack) -> dict[str, str]:
    """The settings of a real installation behind HTTPS."""
    return {
        **servers.environment(),
        "CLINIC_BASE_URL": "https://clinic.example",
        "ALLOWED_HOSTS": "clinic.example",
        "CLINIC_DEMO": "0",
    }


def _judge(one: Check) -> tuple[subprocess.CompletedProcess[str], float]:
    started = time.monotonic()
    env = {**os.environ, **one.env, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(one.command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return done, time.monotonic() - started


def _report(one: Check, done: subprocess.CompletedProcess[str], took: float) -> bool:
    good = done.returncode == 0
    print(f"{'good  ' if good else 'FAILED'} {one.name} ({took:.1f} s)", flush=True)
    if not good:
        sys.stdout.write(done.stdout + done.stderr)
        sys.stdout.flush()
    return good


def _templates() -> list[str]:
    folders = [ROOT / "templates", *sorted(ROOT.glob("*/templates"))]
    return [str(path.relative_to(ROOT)) for folder in folders for path in sorted(folder.rglob("*.html"))]
