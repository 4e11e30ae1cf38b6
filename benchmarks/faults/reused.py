"""Everything killed at once, and the power cut: both are measurements of their own as well."""

import asyncio

from benchmarks import endurance, power_cuts
from benchmarks.scenarios import Verdict
from tests import mortal


def everything(kills: int) -> Verdict:
    """Every process is killed under eight writers, again and again, on both databases.

    Once only shows that it works, for which two are enough: to log in takes each some time.
    """
    seconds, many = (5.0, 8) if kills > 1 else (0.5, 2)
    writers = endurance.WRITERS[:many]
    fine = asyncio.run(endurance.measure(seconds, kills, "", writers))
    with mortal.postgresql() as server:
        url = server.url.render_as_string(hide_password=False)
        return Verdict(asyncio.run(endurance.measure(seconds, kills, url, writers)) and fine)


def power(cuts: int) -> Verdict:
    """The disk forgets what was not synced: with the service's setting, and with a laxer one."""
    return Verdict(power_cuts.measure(cuts))
