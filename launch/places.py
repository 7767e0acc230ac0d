"""Where things stand: the project folder, the environment in it, and the state that outlives a run."""

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "boot" / "bin" / "uv"
SHARED = Path("/var/lib/ldn-clinic")


def state_folder(given: str | None, *, is_root: bool, project_is_reachable: bool) -> Path:
    """The folder of the data, one for each clone so that two clones never share a database.

    `given` wins. Then PROJECT/var, unless root started it and the service user cannot reach the project (below a 0700
    /root, say): then a folder under /var/lib/ldn-clinic named after the project and its path. One that already exists
    there keeps being used, so that a changed permission does not seem to lose the data.
    """
    if given:
        return Path(given).absolute()
    outside = SHARED / clone_name()
    if is_root and (outside.exists() or not project_is_reachable):
        return outside
    return ROOT / "var"


def clone_name() -> str:
    """A name for this clone: its folder's name and eight letters that stand for its path."""
    return f"{ROOT.name}-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]}"
