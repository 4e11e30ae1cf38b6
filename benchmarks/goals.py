"""The table of goals: what was to be reached, what this run found, and whether that is enough."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
_WIDTHS = 52, 13, 10


@dataclass(frozen=True)
class Goal:
    """A bound, and how a person writes it."""

    bound: float
    text: str
    is_least: bool = False

    def met(self, value: float) -> bool:
        """Whether this is enough, or little enough."""
        return value >= self.bound if self.is_least else value <= self.bound


def at_least(bound: float, text: str = "") -> Goal:
    """What is better the more it is."""
    return Goal(bound, f">= {text or f'{bound:g}'}", is_least=True)


def at_most(bound: float, text: str = "") -> Goal:
    """What is better the less it is."""
    return Goal(bound, f"<= {text or f'{bound:g}'}")


@dataclass(frozen=True)
class Row:
    """One line. The goal may differ between the databases; without any, the figure is only told."""

    what: str
    found: Mapping[str, float]
    goal: Goal | Mapping[str, Goal] | None = None
    form: str = "{:.2f}"

    def goal_on(self, database: str) -> Goal | None:
        return self.goal.get(database) if isinstance(self.goal, Mapping) else self.goal

    @property
    def missed(self) -> list[str]:
        """Where it is not reached."""
        asked = ((name, value, self.goal_on(name)) for name, value in self.found.items())
        return [name for name, value, goal in asked if goal and not goal.met(value)]

    def line(self, databases: Sequence[str]) -> str:
        goals = [goal.text for name in databases if (goal := self.goal_on(name))]
        cells = [self.what, ", ".join(dict.fromkeys(goals))]
        cells += [self.form.format(self.found[d]) if d in self.found else "-" for d in databases]
        return _line(cells, self._verdict() if goals and self.found else "")

    def _verdict(self) -> str:
        if not self.missed:
            return "yes"
        return "NO" if len(self.missed) == len(self.found) else f"not on {self.missed[0]}"


@dataclass
class Found:
    """What a part of the run has to tell: its lines of the table, and the figures behind them."""

    rows: list[Row] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    failed: bool = False


def table(found: Iterable[Found], databases: Sequence[str]) -> Iterable[str]:
    """All lines of the table."""
    yield _line(["what", "goal", *databases], "met")
    for part in found:
        for row in part.rows:
            yield row.line(databases)


def _line(cells: Sequence[str], verdict: str) -> str:
    what, goal, width = _WIDTHS
    figures = "".join(f" {cell:>{width}}" for cell in cells[2:])
    return f"{cells[0]:{what}} {cells[1]:{goal}}{figures}  {verdict}".rstrip()
