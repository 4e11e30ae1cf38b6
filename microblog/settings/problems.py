"""What is wrong with a setting, in one line that an operator can act upon."""

from collections.abc import Sequence
from dataclasses import dataclass


def one_line(text: str) -> str:
    """The text with everything unprintable escaped, so that no value can break a line."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


@dataclass(frozen=True)
class Problem:
    key: str
    source: str
    expected: str
    found: str = ""
    """What stands there now; stays empty for whatever could be a secret."""

    def __str__(self) -> str:
        found = f"{self.found}, " if self.found else ""
        return one_line(f"{self.key} ({self.source}): {found}expected {self.expected}")


class SettingsError(Exception):
    """The settings cannot be used; `problems` names every reason, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = list(problems)
