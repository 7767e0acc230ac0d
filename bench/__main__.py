"""`./clinic bench [name …] [--patients NUMBER]`: run the named benches, or all, and print what they measured.

`--patients` is the larger clinic of `judging`: 10,000 unless said, so that a run of all is done within minutes.
"""

import argparse
import os
import sys
from importlib import import_module

import django

BENCHES = ("courses", "drawing", "pages", "worklist", "claim", "memory", "walls", "judging")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./clinic bench", allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(BENCHES)}")
    parser.add_argument("--patients", type=int, metavar="NUMBER", help="patients of the larger clinic of judging")
    asked = parser.parse_args(words)
    names: list[str] = asked.names
    if asked.patients is not None:
        os.environ["BENCH_PATIENTS"] = str(asked.patients)
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
