"""The commands of ./clinic."""

import sys

from launch import bootstrap
from launch.failure import Failure


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    try:
        bootstrap.ensure("dev")
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 2
    return 0
