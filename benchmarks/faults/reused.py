"""Everything killed at once, and the power cut: both are measurements of their own as well."""

import asyncio

from benchmarks import endurance, power_cuts
from benchmarks.scenarios import Verdict
from tests import mortal


def everything(quick: bool) -> Verdict:
    """Every process is killed under eight writers, again and again, on both databases."""
    kills, seconds = (1, 1.0) if quick else (100, 5.0)
    fine = asyncio.run(endurance.measure(seconds, kills, ""))
    with mortal.postgresql() as server:
        url = server.url.render_as_string(hide_password=False)
        return Verdict(asyncio.run(endurance.measure(seconds, kills, url)) and fine)


def power(quick: bool) -> Verdict:
    """The disk forgets what was not synced: with the service's setting, and with a laxer one."""
    return Verdict(power_cuts.measure(1 if quick else 20))
