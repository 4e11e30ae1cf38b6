"""The words of the town, language by language."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

Item = TypeVar("Item")

_FILE = Path(__file__).with_name("words.toml")


@dataclass(frozen=True)
class Words:
    """What people of one language are called and say; ``weight`` is their share of the town."""

    code: str
    weight: int
    first: Sequence[str]
    last: Sequence[str]
    about: Sequence[str]
    thing: Sequence[str]
    place: Sequence[str]
    time: Sequence[str]
    say: Sequence[str]
    family_first: bool = False

    def sentences(self, rng: Random, count: int) -> list[str]:
        """Things that one person could have said in a row: no pattern comes twice."""
        if count == 1:
            return [self._filled(rng, pick(rng, self.say))]
        return [self._filled(rng, pattern) for pattern in rng.sample(self.say, count)]

    def _filled(self, rng: Random, pattern: str) -> str:
        said = pattern.format(
            thing=pick(rng, self.thing), place=pick(rng, self.place), time=pick(rng, self.time)
        )
        return said[0].upper() + said[1:]


@cache
def languages() -> tuple[Words, ...]:
    """Every language of the town; English, which all of it reads, comes first."""
    tables: dict[str, dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(Words(code, **table) for code, table in tables.items())


def pick(rng: Random, items: Sequence[Item]) -> Item:
    """One of them; faster than ``choice``, for a large town picks millions of times."""
    return items[int(rng.random() * len(items))]
