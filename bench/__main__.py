"""`./clinic bench [name …]`: run the named benches, or all, and print what they measured as a table."""

import sys
from importlib import import_module

import django

BENCHES = ("courses", "drawing", "pages", "claim", "memory", "walls")


def main(names: list[str]) -> int:
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(f"There is no bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    django.setup()
    for name in names or BENCHES:
        print(f"\n{name}")
        for line in import_module(f"bench.{name}").lines():
            print(f"  {line.what:<58} {line.figure:>14}  {line.against}", flush=True)
    return 0


sys.exit(main(sys.argv[1:]))
