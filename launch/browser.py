"""Finds a Chromium for the browser tests, or fetches one: by the package manager as root, else unpacked into var/."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from launch import bootstrap, statics
from launch.failure import Failure
from launch.places import ROOT, VENV

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
UNPACKED = ROOT / "var" / "chromium"


def prepare(*, may_fetch: bool, required: bool) -> dict[str, str]:
    """What the tests are told: CHROMIUM, and a Node for Playwright where its own does not run. Empty without a browser.

    With `required` (CI) a missing browser is a failure; at a desk one line says that the browser tests are left out.
    """
    program = _found()
    if program is None and (may_fetch or required):
        try:
            program = _fetch()
        except Failure as failure:
            if required:
                raise
            print(f"The browser tests are left out: {failure}", flush=True)
    if program is None:
        return {}
    return {"CHROMIUM": str(program), **_playwright_node()}


def _found() -> Path | None:
    named = os.environ.get("CHROMIUM")
    if named:
        if not os.access(named, os.X_OK):
            raise Failure(f"CHROMIUM names {named}, which is no program.")
        return Path(named)
    for name in NAMES:
        if path := shutil.which(name):
            return Path(path)
    wrapper = UNPACKED / "chromium"
    return wrapper if wrapper.exists() else None


def _fetch() -> Path:
    if not shutil.which("apt-get"):
        raise Failure("there is no Chromium on this machine; install one or name it in CHROMIUM.")
    print("Fetching Chromium for the browser tests …", flush=True)
    return _install() if os.geteuid() == 0 else _unpack()


def _install() -> Path:
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    bootstrap.run(["apt-get", "-qq", "update"], "could not read Debian's package list", quiet)
    install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium"]
    bootstrap.run(install, "could not install Chromium", quiet)
    path = shutil.which("chromium")
    if not path:
        raise Failure("Debian's package chromium brought no program of that name.")
    return Path(path)


def _unpack() -> Path:
    """Without root: Debian's packages for Chromium and what it lacks here, unpacked, started through a small script."""
    UNPACKED.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=UNPACKED.parent) as name:
        folder = Path(name)
        bootstrap.fetch_debian(_missing_packages, folder)
        root = folder / "root"
        libraries = sorted({str(path.parent.relative_to(root)) for path in root.rglob("*.so*")})
        shutil.rmtree(UNPACKED, ignore_errors=True)
        root.rename(UNPACKED)
    places = ":".join(f"{UNPACKED}/{path}" for path in libraries)
    fonts = UNPACKED / "fonts.conf"
    folders = f"<dir>{UNPACKED}/usr/share/fonts</dir><dir>/usr/share/fonts</dir>"
    fonts.write_text(f'<fontconfig>{folders}<cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n')
    wrapper = UNPACKED / "chromium.new"
    wrapper.write_text(
        "#!/bin/sh\n"
        f'export LD_LIBRARY_PATH="{places}" FONTCONFIG_FILE="{fonts}"\n'
        f'exec "{UNPACKED}/usr/lib/chromium/chromium" --no-sandbox "$@"\n'
    )
    wrapper.chmod(0o755)
    return wrapper.rename(UNPACKED / "chromium")


def _missing_packages(apt: list[str]) -> list[str]:
    """What Chromium lacks here, and letters to write with."""
    packages = bootstrap.lacking(apt, "chromium", "libatomic1")
    return [*packages, "fonts-liberation"] if "fonts-liberation" not in packages else packages


def _playwright_node() -> dict[str, str]:
    """Playwright brings a Node that needs a library which a bare machine lacks; then our own is used."""
    its_own = next(VENV.glob("lib/python*/site-packages/playwright/driver/node"), None)
    if its_own and subprocess.run([str(its_own), "--version"], capture_output=True, check=False).returncode == 0:
        return {}
    return {"PLAYWRIGHT_NODEJS_PATH": str(statics.node())}
