#!/usr/bin/env python
"""Django's command line, with two short cuts: `titrate` and `replay_course` are pure arithmetic and need no application
registry.
"""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ldn_clinic.settings")
    if sys.argv[1:2] == ["titrate"]:
        from titration import command_line

        sys.exit(command_line.main(sys.argv[2:], sys.stdout, sys.stderr))
    if sys.argv[1:2] == ["replay_course"]:
        from titration.replay import command_line as replay

        sys.exit(replay.main(sys.argv[2:], sys.stdout, sys.stderr))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
