"""`./clinic test` and `./clinic bench`: on throw-away servers, so that any number can run side by side."""

import os
from pathlib import Path

from launch import browser, identity, stack, statics, steps
from launch.places import PYTHON, ROOT

MOST_WORKERS = 4


def test(arguments: list[str]) -> int:
    """Run pytest; its exit code is ours, its closing line the last that is printed."""
    in_ci = os.environ.get("CI", "").lower() in ("1", "true", "yes")
    stack.check_shared_memory()
    statics.ensure_modules()
    told = browser.prepare(may_fetch=wants_browser(arguments), required=in_ci)
    steps.listen_for_stop()
    try:
        with stack.throw_away() as servers:
            env = {**servers.test_environment(), **told}
            return steps.foreground([str(PYTHON), "-m", "pytest", *options(arguments, in_ci=in_ci), *arguments], env)
    except steps.AskedToStopError:
        return 130


def bench(arguments: list[str]) -> int:
    """Measure on servers that keep their data as in earnest, with every table there."""
    statics.ensure_modules()
    steps.listen_for_stop()
    try:
        with stack.throw_away(durable=True) as servers:
            command = steps.manage("migrate", "--noinput", "--skip-checks", "-v", "0")
            me = identity.myself()
            steps.call(command, servers.owner_environment(), me, "The database could not be migrated")
            steps.call(statics.collect_command(), servers.environment(), me, "The static files could not be built")
            return steps.foreground([str(PYTHON), "-m", "bench", *arguments], servers.test_environment())
    except steps.AskedToStopError:
        return 130


def options(arguments: list[str], *, in_ci: bool) -> list[str]:
    """What pytest is told beside the given arguments: on a whole run every core, at a desk without the long tests."""
    chosen = []
    if not in_ci and not _says(arguments, "-m"):
        chosen += ["-m", "not long"]
    if not _paths(arguments) and not any(_says(arguments, option) for option in ("-n", "--pdb", "--trace", "-s")):
        chosen += ["-n", str(min(os.cpu_count() or 1, MOST_WORKERS)), "--dist", "loadfile"]
        # The order is the tests' own, the longest first: by their number it would be the longest that come last.
        chosen.append("--no-loadscope-reorder")
    return chosen


def wants_browser(arguments: list[str]) -> bool:
    """True when browser tests may be among the chosen ones: fetching a browser takes half a minute."""
    paths = _paths(arguments)
    return not paths or any(
        (ROOT / "tests" / "browser").is_relative_to(path) or "browser" in path.parts for path in paths
    )


def _paths(arguments: list[str]) -> list[Path]:
    named = [(ROOT / argument.split("::")[0]).resolve() for argument in arguments if not argument.startswith("-")]
    return [path for path in named if path.exists()]


def _says(arguments: list[str], option: str) -> bool:
    return any(argument == option or argument.startswith((f"{option}=", option)) for argument in arguments)
