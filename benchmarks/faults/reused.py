"""Everything killed at once, and the power cut: both are measurements of their own as well."""

import asyncio

from benchmarks import endurance, power_cuts
from benchmarks.scenarios import Verdict
from tests import mortal


def everything(kills: int) -> Verdict:
    """Every process is killed under eight writers, again and again, on both databases."""
    seconds = 5.0 if kills > 1 else 1.0
    fine = asyncio.run(endurance.measure(seconds, kills, ""))
    with mortal.postgresql() as server:
        url = server.url.render_as_string(hide_password=False)
        return Verdict(asyncio.run(endurance.measure(seconds, kills, url)) and fine)


def power(cuts: int) -> Verdict:
    """The disk forgets what was not synced: with the service's setting, and with a laxer one."""
    return Verdict(power_cuts.measure(cuts))
