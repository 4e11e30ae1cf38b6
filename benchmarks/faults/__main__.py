"""`python -m benchmarks.faults`: processes killed, replaced, overrun; databases gone, and back."""

from benchmarks import scenarios
from benchmarks.faults import kills, overload, postgres, restarts, reused, transaction

SCENARIOS = {
    "kills": kills.scenario,
    "everything": reused.everything,
    "power": reused.power,
    "restarts": restarts.scenario,
    "transaction": transaction.scenario,
    "overload": overload.scenario,
    "postgres": postgres.scenario,
}

if __name__ == "__main__":
    scenarios.main("benchmarks.faults", __doc__ or "", SCENARIOS)
