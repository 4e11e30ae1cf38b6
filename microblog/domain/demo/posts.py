"""What the town writes, in the order in which it was written."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from microblog.domain.demo.people import DAYS, Resident
from microblog.domain.demo.words import Words, languages, pick

_SITES = ("https://example.org", "https://www.example.com", "http://blog.example.net")
_PATHS = ("/notes/{0}", "/photos/{0}?size=large", "/2026/{0}", "/read/{0}#comments", "/")
_SIGNS = ("🙂", "🌧️", "☕", "🚲", "📚", "🌱", "🎶", "😅", "✨", "🐈")
_SENTENCES = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)
_MAXIMUM = 500
# How lively each hour of the day is, from midnight, UTC.
_LIVELINESS = (5, 3, 2, 1, 1, 2, 4, 7, 9, 8, 8, 9, 12, 10, 8, 8, 9, 11, 13, 15, 16, 15, 12, 8)


def posts(
    people: Sequence[Resident], count: int, *, seed: int, now: datetime
) -> Iterator[dict[str, Any]]:
    """That many posts, oldest first; notes in each resident when they last wrote."""
    rng = Random(f"posts {seed}")  # noqa: S311 - the same town again is the point
    cumulated = list(accumulate(person.weight for person in people))
    calendar = _Calendar(now)
    there = 1
    for number in range(count):
        moment = calendar.moment((number + rng.random()) / count)
        while there < len(people) and people[there].joined_at <= moment:
            there += 1
        author = rng.choices(people, cum_weights=cumulated)[0]
        if author.joined_at > moment:  # not there yet: somebody else wrote instead
            author = people[int(rng.random() * there)]
        author.last_wrote_at = moment
        words = author.words
        if author.is_bilingual and rng.random() < 0.3:
            words = languages()[0]
        yield {
            "user_id": author.id,
            "body": _body(rng, words, people),
            "language": words.code,
            "timestamp": moment,
            "edited_at": None,
        }


def _body(rng: Random, words: Words, people: Sequence[Resident]) -> str:
    said = words.sentences(rng, pick(rng, _SENTENCES))
    body = ("\n" if rng.random() < 0.15 else " ").join(said)
    if rng.random() < 0.1:
        body += f" {pick(rng, _SIGNS)}"
    if rng.random() < 0.06:
        body = f"@{people[int(rng.random() ** 2 * len(people))].username} {body}"
    if rng.random() < 0.12:
        body += f" {pick(rng, _SITES)}{pick(rng, _PATHS).format(rng.randrange(1000))}"
    return body[:_MAXIMUM]


class _Calendar:
    """When posts are written: more from month to month, and few at night."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        backwards = [_LIVELINESS[(now.hour - hours) % 24] for hours in range(24)]
        self._cumulated = list(accumulate(backwards))

    def moment(self, share: float) -> datetime:
        """The moment that has this share (0 to 1) of all posts before it."""
        before_now = DAYS * (1 - share**0.8)
        whole_days = math.floor(before_now)
        hours = self._hours(before_now - whole_days)
        return self._now - timedelta(days=whole_days, hours=hours)

    def _hours(self, part: float) -> float:
        """How many hours before now the day is, when this part of its posts is still to come."""
        to_come = part * self._cumulated[-1]
        whole = bisect_right(self._cumulated, to_come, hi=23)
        width = self._cumulated[whole] - (self._cumulated[whole - 1] if whole else 0)
        return whole + 1 - (self._cumulated[whole] - to_come) / width
