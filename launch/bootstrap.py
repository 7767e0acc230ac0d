"""Builds `.venv` from the hash-locked requirements. Standard library only: nothing else exists yet.

A stock Debian has Python but neither pip nor ensurepip. Debian's own pip wheel can be fetched and unpacked by the
ordinary package client into a private folder, without root. That pip installs uv, uv installs the lock; both by hash.
"""

import contextlib
import fcntl
import glob
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from launch.failure import Failure
from launch.places import PYTHON, ROOT, UV, VENV

LOCKS = {"runtime": ROOT / "requirements.txt", "dev": ROOT / "requirements-dev.txt"}
BOOT_LOCK = ROOT / "requirements-boot.txt"
STAMP = VENV / "clinic-stamp"
ENOUGH = {
    "runtime": ("runtime", "dev"),
    "dev": ("dev",),
}  # the development lock holds everything the runtime lock holds


def ensure(kind: str) -> None:
    """Make `.venv` hold the locked packages of `kind` ("runtime" or "dev"); returns at once when it already does."""
    if is_ready(kind):
        return
    with _alone():
        if not is_ready(kind):
            _build(_kind_to_build(kind))


def is_ready(kind: str) -> bool:
    """True when `.venv` was built here, by this Python, from the locks as they are now."""
    try:
        found = STAMP.read_text()
    except OSError:
        return False
    return PYTHON.exists() and any(found == stamp(enough) for enough in ENOUGH[kind])


def stamp(kind: str) -> str:
    """What `.venv` is made of: lock, uv, Python's version and the place (scripts hold absolute paths)."""
    digest = hashlib.sha256(LOCKS[kind].read_bytes() + BOOT_LOCK.read_bytes()).hexdigest()
    return f"{kind} {digest} {sys.version_info.major}.{sys.version_info.minor} {VENV}\n"


def _kind_to_build(kind: str) -> str:
    """Once a desk has the development tools a changed lock must not take them away."""
    with contextlib.suppress(OSError):
        if STAMP.read_text().startswith("dev "):
            return "dev"
    return kind


def _build(kind: str) -> None:
    started = time.monotonic()
    print(f"Installing the locked {kind} packages into {VENV.name} …", file=sys.stderr, flush=True)
    if not _belongs_here():
        run(
            [_base_python(), "-m", "venv", "--without-pip", "--clear", str(VENV)],
            "could not create the Python environment",
        )
    STAMP.unlink(missing_ok=True)
    if not UV.exists() or not _boot_stamp().exists():
        _install_uv()
    command = [str(UV), "pip", "sync", "--quiet", "--require-hashes", "--python", str(PYTHON), str(LOCKS[kind])]
    run(
        command, "could not install the locked packages", {"UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": _link_mode()}
    )
    STAMP.write_text(stamp(kind))
    print(f"Installed in {time.monotonic() - started:.0f} s.", file=sys.stderr, flush=True)


def _belongs_here() -> bool:
    """False when there is no environment, its Python is gone or of another version, or the folder was moved."""
    with contextlib.suppress(OSError):
        found = STAMP.read_text().split(" ", 2)[2]
        return PYTHON.exists() and found == stamp("runtime").split(" ", 2)[2]
    return False


def _base_python() -> str:
    """This Python outside any environment; without a PATH it does not know its own name."""
    return (
        getattr(sys, "_base_executable", None)
        or sys.executable
        or shutil.which("python3", path=os.defpath)
        or "python3"
    )


def _boot_stamp() -> Path:
    return UV.parent.parent / f"stamp-{hashlib.sha256(BOOT_LOCK.read_bytes()).hexdigest()[:16]}"


def _install_uv() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = _pip_wheel(Path(folder))
        command = [
            str(PYTHON),
            f"{wheel}/pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-warn-script-location",
        ]
        command += [
            "--upgrade",
            "--target",
            str(UV.parent.parent),
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            str(BOOT_LOCK),
        ]
        run(command, "could not fetch uv from the package registry")
    _boot_stamp().touch()


def _pip_wheel(folder: Path) -> str:
    """A pip wheel to run in place: Python's own, Debian's if installed, else Debian's fetched into `folder`."""
    for pattern in _known_wheels():
        for found in sorted(glob.glob(pattern)):
            return found
    return _debian_pip_wheel(folder)


def _known_wheels() -> list[str]:
    patterns = ["/usr/share/python-wheels/pip-*.whl"]
    spec = importlib.util.find_spec("ensurepip")
    if spec and spec.origin:
        patterns.insert(0, str(Path(spec.origin).parent / "_bundled" / "pip-*.whl"))
    return patterns


def _debian_pip_wheel(folder: Path) -> str:
    fetch_debian(lambda _apt: ["python3-pip-whl"], folder)
    found = glob.glob(f"{folder}/root/usr/share/python-wheels/pip-*.whl")
    if not found:
        raise Failure("Debian's package python3-pip-whl holds no pip wheel; install python3-venv and run this again.")
    return found[0]


def fetch_debian(choose: Callable[[list[str]], list[str]], folder: Path) -> None:
    """Download Debian packages and unpack them into `folder`/root, as any user, changing nothing else on the machine.

    `choose` is given the start of an apt-get command that reads the fresh package list, and names the packages.
    """
    for name in ("state/lists/partial", "cache/archives/partial", "debs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    options = [f"Dir::State={folder}/state", f"Dir::Cache={folder}/cache", "Debug::NoLocking=1"]
    options += ["Acquire::Languages=none", "APT::Sandbox::User="]
    apt = ["apt-get", *(part for option in options for part in ("-o", option))]
    run([*apt, "-qq", "update"], "could not read Debian's package list")
    packages = choose(apt)
    problem = "could not fetch Debian's " + ", ".join(packages[:3])
    run([*apt, "-qq", "download", *packages], problem, cwd=folder / "debs")
    for package in glob.glob(f"{folder}/debs/*.deb"):
        run(["dpkg-deb", "-x", package, str(folder / "root")], problem)


def lacking(apt: list[str], *packages: str) -> list[str]:
    """What the package manager would install here for these packages, by its own simulation."""
    command = [*apt, "-o", "Dir::State::status=/var/lib/dpkg/status", "-s", "install", "--no-install-recommends"]
    done = subprocess.run([*command, *packages], capture_output=True, text=True, check=False)
    found = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Inst ")]
    if packages[0] not in found:
        raise Failure(f"Debian's package manager finds no {packages[0]}.")
    return found


def trust() -> dict[str, str]:
    """Settings that make pip, uv and npm trust whom the machine trusts: a hospital's net may have a root of its own."""
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    if not Path(bundle).exists():
        return {}
    return {"PIP_CERT": bundle, "NODE_EXTRA_CA_CERTS": bundle, "UV_SYSTEM_CERTS": "true"}


def _link_mode() -> str:
    """Hard links save time and space; they only work when uv's cache is on the same file system."""
    cache = Path(
        os.environ.get("UV_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uv"
    )
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        if cache.stat().st_dev == VENV.stat().st_dev:
            return "hardlink"
    return "copy"


def run(command: list[str], problem: str, extra: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Run a tool quietly; when it fails, show what it said and end with one sentence."""
    try:
        env = {**trust(), **os.environ, **(extra or {})}
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failure(f"Setting up: {problem}: {command[0]} does not run ({error.strerror}).") from error
    if done.returncode:
        sys.stderr.write(done.stdout[-2000:] + done.stderr[-4000:])
        raise Failure(f"Setting up: {problem} (what {Path(command[0]).name} said is above).")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One installation at a time in this folder: the second waits and then finds the work done."""
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
