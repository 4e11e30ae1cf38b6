"""`python -m benchmarks.faults`: processes killed and overrun; databases locked, gone, and back."""

from benchmarks import scenarios
from benchmarks.faults import kills, locked, overload, postgres, restarts, reused, transaction

SCENARIOS = {
    "transaction": transaction.scenario,
    "overload": overload.scenario,
    "locked": locked.scenario,
}
# With how often each is done.
REPEATED = {
    "kills": (kills.scenario, 100),
    "everything": (reused.everything, 100),
    "power": (reused.power, 20),
    "restarts": (restarts.scenario, 20),
    "postgres": (postgres.scenario, 10),
}

if __name__ == "__main__":
    scenarios.main("benchmarks.faults", __doc__ or "", SCENARIOS, REPEATED)
