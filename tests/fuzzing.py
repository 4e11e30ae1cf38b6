"""Odd, wrong and right requests, made from the description, against a running service.

    python -m tests.fuzzing --cases 20000

starts a service on SQLite and one on PostgreSQL, asks each so often, as nobody, with a token that a
password has opened and with one that may only read, and prints what came of it. Its status is 1 if
any answer was a failure of the service, or one that the description does not tell of.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.config import GenerationConfig, HealthCheck, SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import from_schema
from schemathesis.engine.events import NonFatalError, ScenarioFinished

from tests.fuzzed import DATABASES, ROLES, World, world

# How the failures that are found are named, by what they are in the end; the rest is `broken rules`.
_NAMES = {
    "UndefinedStatusCode": "undocumented statuses",
    **dict.fromkeys(
        (
            "JsonSchemaError",
            "MissingHeaders",
            "MissingContentType",
            "MalformedMediaType",
            "MalformedJson",
            "ContentDeserializationError",
            "UndefinedContentType",
            "AllowHeaderMismatch",
        ),
        "schema mismatches",
    ),
}
_OTHER = "broken rules"
COUNTED = ("5xx", "undocumented statuses", "schema mismatches", _OTHER)
# Refused although the description allows it, by a rule that no schema can tell.
_CURSORS = "before and after exclude each other"
_WORDS = "a text must hold more than blanks, and no control characters"
BEYOND_SCHEMA = {
    "POST /api/users": "names are taken once, some never; addresses have a form; passwords too",
    "PUT /api/users/{user_id}": "the same",
    "PUT /api/users/{user_id}/follow": "nobody follows themselves",
    "DELETE /api/users/{user_id}/follow": "nobody follows themselves",
    "POST /api/posts": _WORDS,
    "PUT /api/posts/{post_id}": _WORDS,
    "POST /api/messages": f"{_WORDS}; nobody writes to themselves",
    "GET /api/posts": _CURSORS,
    "GET /api/timeline": _CURSORS,
    "GET /api/users/{user_id}/posts": _CURSORS,
    "GET /api/messages": _CURSORS,
    "GET /api/search": "there must be words to search for",
    "POST /api/posts/{post_id}/translation": "only the languages that there are",
}
# What is taken for a broken rule where it is none: an export that is called off still tells so, and
# one that was begun has no archive yet.
_BY_DESIGN = {
    ("UseAfterFree", "DELETE /api/exports/{export}"),
    ("EnsureResourceAvailability", "POST /api/exports"),
}
# In one round, of each operation. Nearly all that nobody asks for is refused in the same way.
_PORTION = {"nobody": 20, "user": 60, "reader": 60}
# Walks from one operation to the next, for each such case, and how long they are.
_WALKS, _STEPS = 2 / 3, 8


@dataclass
class Findings:
    """What came of a number of cases."""

    cases: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """By operation: what only a rule beyond its schema refuses."""
    steps: set[tuple[str, str]] = field(default_factory=set)
    """From which operation to which a walk has gone."""
    told: dict[str, str] = field(default_factory=dict)
    """One example of each failure."""

    def add(self, event: Any) -> None:
        """Take in a scenario that is over."""
        if isinstance(event, NonFatalError):
            self._fail(_OTHER, f"{event.label}: {event.info.format()}", event.label)
        if not isinstance(event, ScenarioFinished):
            return
        cases = event.recorder.cases
        for node in cases.values():
            if node.transition is not None and node.parent_id in cases:
                before = cases[node.parent_id].value.operation.label
                self.steps.add((before, node.value.operation.label))
        replayed = False
        for interaction in event.recorder.interactions.values():
            self.cases += 1
            if interaction.response is None:
                self._fail(_OTHER, f"no answer: {interaction.request}", "no answer")
                continue
            self.answers[interaction.response.status_code] += 1
            replayed |= "idempotency-replayed" in interaction.response.headers
        for checks in event.recorder.checks.values():
            for check in checks:
                failed = check.failure_info
                # What was made under that key before may be gone by now.
                if failed and not (replayed and check.name == "ensure_resource_availability"):
                    self._judge(failed.failure, failed.code_sample)

    def _judge(self, failure: Failure, sample: str) -> None:
        kind = type(failure).__name__
        if kind == "RejectedPositiveData" and failure.operation in BEYOND_SCHEMA:
            self.refused[failure.operation] += 1
            return
        if (kind, failure.operation) in _BY_DESIGN:
            return
        name = "5xx" if kind.endswith("ServerError") else _NAMES.get(kind, _OTHER)
        key = f"{failure.operation}: {kind}"
        self._fail(name, f"{name}: {key}\n{failure.title}\n{failure.message}\n{sample}", key)

    def _fail(self, name: str, text: str, key: str) -> None:
        self.failures[name] += 1
        self.told.setdefault(key, text)

    def merge(self, other: "Findings") -> None:
        self.cases += other.cases
        self.answers += other.answers
        self.failures += other.failures
        self.refused += other.refused
        self.steps |= other.steps
        self.told = other.told | self.told

    def __str__(self) -> str:
        counts = ", ".join(f"{self.failures[name]} {name}" for name in COUNTED)
        statuses = " ".join(f"{status}x{times}" for status, times in sorted(self.answers.items()))
        beyond = f"{self.refused.total()} refused by rules beyond the schemas"
        return (
            f"{self.cases} cases, {len(self.steps)} kinds of steps: {counts}; {beyond} ({statuses})"
        )


def fuzz(world: World, role: str, *, seed: int, portion: int, phases: Sequence[str]) -> Findings:
    """One round: ``portion`` cases of each operation, and walks along the links."""
    findings = Findings()
    for event in from_schema(_schema(world, role, seed, portion, phases)).execute():
        findings.add(event)
    if not findings.cases:
        raise RuntimeError("nothing was asked")
    return findings


def _schema(world: World, role: str, seed: int, portion: int, phases: Sequence[str]) -> Any:
    config = SchemathesisConfig(seed=seed)
    project = config.projects.default
    project.update(
        continue_on_failure=True,
        request_timeout=30,
        suppress_health_check=[HealthCheck.all],
    )
    project.generation = GenerationConfig(
        max_examples=portion, no_shrink=True, database="none", allow_x00=True
    )
    for name in ("examples", "coverage", "fuzzing", "stateful"):
        project.phases.get_by_name(name=name).enabled = name in phases
    walks = project.phases.stateful
    walks.max_steps = _STEPS
    walks.generation = GenerationConfig(max_examples=max(1, round(portion * _WALKS)))
    schema = schemathesis.openapi.from_url(f"{world.url}/api/openapi.json", config=config)
    world.dress(schema, role)
    return schema


def rounds(
    world: World, roles: Sequence[str], cases: int, *, seed: int
) -> Iterator[tuple[str, Findings]]:
    """Ask as everybody in turn until there were so many cases."""
    asked, number = 0, 0
    while asked < cases:
        for role in roles:
            # What is listed from the description is the same in every round.
            phases = (
                ("fuzzing", "stateful")
                if number
                else ("examples", "coverage", "fuzzing", "stateful")
            )
            found = fuzz(world, role, seed=seed + number, portion=_PORTION[role], phases=phases)
            asked += found.cases
            yield role, found
            if asked >= cases:
                return
        number += 1


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing")
    parser.add_argument("--cases", type=int, default=20_000, help="on each database")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--roles", nargs="+", choices=ROLES, default=ROLES)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    wrong = 0
    for kind in chosen.databases:
        whole, begun = Findings(), time.monotonic()
        with tempfile.TemporaryDirectory() as folder, world(kind, Path(folder)) as found:
            for role, findings in rounds(found, chosen.roles, chosen.cases, seed=chosen.seed):
                print(f"{kind}, {role}: {findings}", flush=True)
                whole.merge(findings)
        for text in whole.told.values():
            print(f"\n{text}\n")
        print(f"{kind}: {whole}, {time.monotonic() - begun:.0f} s", flush=True)
        wrong += sum(whole.failures.values())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
