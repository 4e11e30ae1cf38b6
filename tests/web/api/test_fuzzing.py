"""Requests made from the description, right ones and wrong ones: a handful here, thousands by `make fuzz`."""

from pathlib import Path

import pytest

from tests.fuzzed import ROLES, serving
from tests.fuzzing import COUNTED, Findings, fuzz

PHASES = ("examples", "fuzzing", "stateful")
# Cases of each operation.
PORTION = {"nobody": 1, "user": 5, "reader": 2}
ANSWERS = {200, 201, 204, 400, 401, 403, 404}


@pytest.mark.timeout(300)
def test_odd_requests(database_url: str, tmp_path: Path) -> None:
    """T-34, T-43, T-44, T-53: no failure of the service, and nothing that is not described."""
    whole = Findings()
    with serving(database_url, tmp_path) as world:
        # What is made up depends on the modules of ours that this process has loaded: a handful
        # of cases may not hold one that is good enough to create something.
        for seed in range(1, 6):
            for role in ROLES:
                found = fuzz(world, role, seed=seed, portion=PORTION[role], phases=PHASES)
                assert not found.failures.total(), (role, *found.told.values())
                whole.merge(found)
            if whole.answers.keys() >= ANSWERS:
                break
    assert whole.cases > 500
    assert whole.answers.keys() >= ANSWERS
    assert max(whole.answers) < 500
    assert len(whole.steps) > 3
    # Cases that say nothing about the service would be none.
    assert set(COUNTED).isdisjoint(whole.failures)
    assert whole.answers[401] < whole.cases / 2
