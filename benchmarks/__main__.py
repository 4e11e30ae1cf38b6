"""`python -m benchmarks`: every goal with this day's figure beside it, on both databases."""

import argparse
import asyncio
import resource
import sys
import time
import traceback
from collections.abc import Awaitable, Collection, Mapping
from contextlib import ExitStack

from benchmarks import goals, report, stage, stores
from benchmarks.goals import Found
from benchmarks.parts import APART, ON_STAGE, PARTS
from benchmarks.stage import SMOKE, Place, Scale
from microblog.serving.process import fast_loop


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    given = parser.parse_args()
    # A thousand sockets are open at once.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    scale = SMOKE if given.quick else Scale()
    began = time.monotonic()
    with stores.folder(quick=given.quick) as kept, ExitStack() as stack:
        sizes, keep = (scale.size, scale.small), not given.quick
        urls = stores.stored(kept, sizes, stack, only=given.only, keep=keep)
        places = {d: Place(url, small, str(kept)) for d, (url, small) in urls.items()}
        _progress("the data is there", began)
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            told = runner.run(_measure(places, scale, given.parts))
    in_order = [(part, told[part]) for part in PARTS if part in told]
    print(*report.heading(scale.size, scale.pace), sep="\n", end="\n\n")
    print(*goals.table([each for _, each in in_order], list(places)), sep="\n")
    for part, each in in_order:
        print("", f"{part}:", *each.details, sep="\n")
    print(f"\n({time.monotonic() - began:.0f} s in all)")
    sys.exit(1 if any(each.failed for each in told.values()) else 0)


async def _measure(
    places: Mapping[str, Place], scale: Scale, parts: Collection[str]
) -> dict[str, Found]:
    told: dict[str, Found] = {}
    if not set(parts).isdisjoint(ON_STAGE):
        async with stage.opened(places, scale) as opened:
            for part in ON_STAGE:
                if part in parts:
                    told[part] = await _timed(part, ON_STAGE[part](opened))
    for part in APART:
        if part in parts:
            told[part] = await _timed(part, APART[part](places, scale))
    return told


async def _timed(part: str, work: Awaitable[Found]) -> Found:
    """What goes wrong in one part must not cost the others."""
    began = time.monotonic()
    try:
        found = await work
    except Exception:
        traceback.print_exc()
        found = Found(details=["FAILED"], failed=True)
    _progress(part, began)
    return found


def _progress(what: str, began: float) -> None:
    print(f"{what} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
