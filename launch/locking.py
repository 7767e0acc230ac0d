"""`./clinic lock`: exact versions and hashes from the .in files, for every system and for Python 3.11 and newer."""

import subprocess

from launch.failure import Failure
from launch.places import ROOT, UV

# The runtime lock is cut out of the development lock, so that both hold the same versions.
FILES = {
    "requirements-dev": None,
    "requirements": "requirements-dev",
    "requirements-boot": "requirements-dev",
    "requirements-build": None,
}


def lock() -> int:
    """Write the locks anew; versions that still fit are kept, unless the lock is deleted first."""
    for name, within in FILES.items():
        command = [str(UV), "pip", "compile", "--quiet", "--python-version", "3.11", "--universal", "--generate-hashes"]
        command += ["--no-emit-index-url", "--no-annotate", "--custom-compile-command", "./clinic lock"]
        command += ["-c", f"{within}.txt"] if within else []
        if subprocess.run([*command, f"{name}.in", "-o", f"{name}.txt"], cwd=ROOT, check=False).returncode:
            raise Failure(f"{name}.in could not be locked; what uv said is above.")
    return 0
