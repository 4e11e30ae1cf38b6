"""The people of the town: names, habits, and whom they read, all unevenly spread."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from microblog.domain.demo.words import Words, languages, pick
from microblog.domain.search.people import name_terms
from microblog.models.user import fold

DAYS = 180
"""How long the town has been writing."""

_SETTLING_DAYS = 30
_MOST_FOLLOWED = 400
_READS_NOBODY = 0.03


@dataclass(slots=True)
class Resident:
    """One invented person. ``weight`` is how much they write, compared with the others."""

    username: str
    display_name: str
    about_me: str
    words: Words
    is_bilingual: bool
    joined_at: datetime
    weight: float
    id: int = 0
    last_wrote_at: datetime | None = field(default=None)

    def row(self, password_hash: str) -> dict[str, Any]:
        """The account."""
        email = f"{self.username}@example.com"
        return {
            "username": self.username,
            "username_key": fold(self.username),
            "email": email,
            "email_key": fold(email),
            "password_hash": password_hash,
            "display_name": self.display_name,
            "name_terms": name_terms(self.username, self.display_name),
            "about_me": self.about_me,
            "language": None,
            "created_at": self.joined_at,
            "confirmed_at": self.joined_at,
            "last_seen_at": self.joined_at,
        }


def residents(count: int, *, seed: int, now: datetime, taken: Collection[str]) -> list[Resident]:
    """That many people, those who came first at the beginning; ``taken`` are folded usernames.

    The very first is among the busiest, so that whoever logs in as them sees a full house.
    """
    rng = Random(f"people {seed}")  # noqa: S311 - the same town again is the point
    used = set(taken)
    # Zipf's law, a little flattened: few write much, most write little.
    weights = [1 / (rank + 3) ** 0.9 for rank in range(count)]
    others = weights[1:]
    rng.shuffle(others)
    moments = _joining(count, rng, now)
    spoken = rng.choices(languages(), [words.weight for words in languages()], k=count)
    return [
        _resident(rng, words if number else languages()[0], used, joined_at, weight)
        for number, (words, joined_at, weight) in enumerate(
            zip(spoken, moments, [*weights[:1], *others], strict=True)
        )
    ]


def follows(people: Sequence[Resident], *, seed: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Who reads whom: whoever writes much is mostly read much, and some read nobody."""
    rng = Random(f"follows {seed}")  # noqa: S311 - the same town again is the point
    fame = list(accumulate(person.weight * rng.lognormvariate(0, 1) for person in people))
    for number, person in enumerate(people):
        wanted = int(3 + 4 * rng.paretovariate(1.2))
        if number == 0:
            wanted = max(wanted, 40)
        elif rng.random() < _READS_NOBODY:
            wanted = 0
        wanted = min(wanted, _MOST_FOLLOWED, len(people) - 1)
        # Some are drawn twice, and counted once.
        drawn = dict.fromkeys(rng.choices(range(len(people)), cum_weights=fame, k=2 * wanted))
        drawn.pop(number, None)
        for other in list(drawn)[:wanted]:
            since = max(person.joined_at, people[other].joined_at)
            yield {
                "follower_id": person.id,
                "followed_id": people[other].id,
                "created_at": since + (now - since) * rng.random() ** 2,
            }


def _joining(count: int, rng: Random, now: datetime) -> list[datetime]:
    """When each came, in that order; the first one before the first post."""
    start = now - timedelta(days=DAYS)
    days = sorted(_joining_day(rng) for _ in range(count))
    days[0] = min(days[0], -1)
    return [start + timedelta(days=day) for day in days]


def _joining_day(rng: Random) -> float:
    # A third is there before the first post; the others come later, fewer and fewer.
    if rng.random() < 1 / 3:
        return -rng.random() * _SETTLING_DAYS
    return float(rng.random() ** 1.5) * DAYS * 0.95


def _resident(
    rng: Random, words: Words, used: set[str], joined_at: datetime, weight: float
) -> Resident:
    # Whoever was first in a fresh town is called by the first name alone.
    is_first = not used
    names = (words.first[0] if is_first else pick(rng, words.first)), pick(rng, words.last)
    (first, _, first_at_home), (last, _, last_at_home) = (name.partition("=") for name in names)
    at_home = [first_at_home or first, last_at_home or last]
    shown = "".join(reversed(at_home)) if words.family_first else " ".join(at_home)
    return Resident(
        username=_username(rng, _latin(first), "" if is_first else _latin(last), used),
        display_name=shown if is_first or rng.random() < 0.85 else "",
        about_me=pick(rng, words.about) if is_first or rng.random() < 0.7 else "",
        words=words,
        is_bilingual=rng.random() < 0.15,
        joined_at=joined_at,
        weight=weight,
    )


def _username(rng: Random, first: str, last: str, used: set[str]) -> str:
    full = (f"{first}.{last}", f"{first}_{last}", f"{first[0]}{last}", f"{last}{first[0]}")
    styles: tuple[str, ...] = (first, *full) if last else (first,)
    style = pick(rng, styles)
    for candidate in (style, *styles):
        if candidate not in used:
            used.add(candidate)
            return candidate
    number = rng.randrange(10, 100)
    while f"{style}{number}" in used:
        number += rng.randrange(1, 100)
    used.add(f"{style}{number}")
    return f"{style}{number}"


def _latin(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore")
    return re.sub(r"[^a-z]", "", plain.decode().lower())
