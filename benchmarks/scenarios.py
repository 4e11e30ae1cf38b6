"""The command line of a collection of scenarios, each of which prints its own figures."""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import pytest


@dataclass(frozen=True)
class Verdict:
    """``sound``: nothing was lost, doubled or failed; ``in_time``: the figures meet their goals."""

    sound: bool
    in_time: bool = True

    def __str__(self) -> str:
        if not self.sound:
            return "FAILED"
        return "as it should be" if self.in_time else "sound, but BEYOND ITS GOAL"


# Takes whether it shall only show that it works.
Scenario = Callable[[bool], Verdict]
# Takes how often it does the same.
Repeated = Callable[[int], Verdict]
_NONE: Mapping[str, tuple[Repeated, int]] = {}


def main(
    program: str,
    about: str,
    scenarios: Mapping[str, Scenario],
    repeated: Mapping[str, tuple[Repeated, int]] = _NONE,
) -> None:
    """Run those that are asked for. Status 1 if one is not sound, or a full one not in time.

    ``repeated`` are those that do the same again and again, with how often that is usually.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=about)
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    names = [*scenarios, *repeated]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="these alone")
    if repeated:
        which = ", ".join(f"{name} ({usually})" for name, (_, usually) in repeated.items())
        parser.add_argument("--times", type=int, metavar="N", help=f"so often: {which}")
    given = parser.parse_args()
    asked = 1 if given.quick else getattr(given, "times", None)
    runs = {name: partial(scenario, given.quick) for name, scenario in scenarios.items()}
    for name, (work, usually) in repeated.items():
        runs[name] = partial(work, asked or usually)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    fine = True
    for name in given.only or names:
        print(f"{name}:", flush=True)
        began = time.monotonic()
        try:
            verdict = runs[name]()
        except pytest.skip.Exception as reason:
            print(f"  {reason}", flush=True)
            continue
        print(f"  {verdict} ({time.monotonic() - began:.0f} s)\n", flush=True)
        fine = fine and verdict.sound and (verdict.in_time or given.quick)
    sys.exit(0 if fine else 1)
