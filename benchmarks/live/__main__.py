"""`python -m benchmarks.live`: very many sockets, networks that are cut, peers that are rude."""

from benchmarks import scenarios
from benchmarks.live import cut, reused, rude

SCENARIOS = {
    "idle": reused.idle_sockets,
    "fanout": reused.fan_out,
    "cut": cut.scenario,
    "stuck": reused.stuck_readers,
    "rude": rude.scenario,
}

if __name__ == "__main__":
    scenarios.main("benchmarks.live", __doc__ or "", SCENARIOS)
