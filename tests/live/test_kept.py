"""What is kept is right, or it is read anew."""

import asyncio
import math
from dataclasses import replace

import pytest

from microblog.live.kept import LONGEST_SECONDS, Found, Kept
from microblog.live.topics import EVERYTHING

ONE, TWO = 1, 2


class Source:
    """Something to read: counts how often, and answers when it may."""

    def __init__(self, *topics: int, weight: int = 1) -> None:
        self.topics = frozenset(topics)
        self.weight = weight
        self.times = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.error: Exception | None = None

    async def read(self) -> Found[int] | None:
        self.times += 1
        mine = self.times
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        return Found(mine, self.topics, self.weight)


async def turns() -> None:
    """Let everybody run who can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_value_holds_until_one_of_its_topics_is_touched() -> None:
    kept, source, other = Kept(), Source(ONE), Source(TWO)
    assert [await kept.get("a", source.read), await kept.get("b", other.read)] == [1, 1]
    kept.tell(1, (TWO, 7))
    kept.tell(2, ())
    assert [await kept.get("a", source.read), await kept.get("b", other.read)] == [1, 2]
    kept.tell(3, (7, ONE))
    assert [await kept.get("a", source.read), await kept.get("b", other.read)] == [2, 2]
    kept.tell(4, EVERYTHING)
    assert [await kept.get("a", source.read), await kept.get("b", other.read)] == [3, 3]
    assert (kept.hits, kept.misses, kept.dropped, len(kept)) == (2, 6, 4, 2)


async def test_who_was_not_asked_for_too_long_is_read_anew() -> None:
    """What the ring no longer holds may have touched anything."""
    kept, source = Kept(ring=3), Source(ONE)
    await kept.get("a", source.read)
    for position in range(1, 4):
        kept.tell(position, (TWO,))
    assert await kept.get("a", source.read) == 1
    for position in range(4, 8):
        kept.tell(position, (TWO,))
    assert await kept.get("a", source.read) == 2


async def test_what_is_made_of_something_lasts_no_longer() -> None:
    times = [0.0]
    kept, source, made = Kept(clock=lambda: times[0]), Source(ONE), Source(TWO)

    async def make() -> Found[int]:
        await kept.get("a", source.read)
        found = await made.read()
        assert found is not None
        return replace(found, ends_at=kept.ends_at("a"))

    await kept.get("a", source.read)
    for now, times_read in ((LONGEST_SECONDS / 2, 1), (LONGEST_SECONDS, 2)):
        times[0] = now
        assert await kept.get("b", make) == times_read
        assert kept.ends_at("b") == kept.ends_at("a") == times_read * LONGEST_SECONDS
    assert kept.ends_at("c") == math.inf


async def test_nothing_lasts_longer_than_a_minute() -> None:
    """Counted from the beginning of the load."""
    times = [0.0]
    kept, source = Kept(clock=lambda: times[0]), Source(ONE)
    source.answers.clear()
    asking = asyncio.create_task(kept.get("a", source.read))
    await turns()
    times[0] = 10.0
    source.answers.set()
    assert await asking == 1
    times[0] = LONGEST_SECONDS - 0.1
    assert await kept.get("a", source.read) == 1
    times[0] = LONGEST_SECONDS
    assert await kept.get("a", source.read) == 2


async def test_memory_is_bounded_by_weight() -> None:
    """Those that nobody asks for go first; what is too heavy is not kept at all."""
    kept = Kept(most=10)
    sources = {name: Source(ONE, weight=4) for name in "abc"}
    for name in "ab":
        await kept.get(name, sources[name].read)
    await kept.get("a", sources["a"].read)
    await kept.get("c", sources["c"].read)
    assert kept.weight == 8
    assert [await kept.get(name, sources[name].read) for name in "ac"] == [1, 1]
    assert await kept.get("b", sources["b"].read) == 2
    heavy = Source(ONE, weight=11)
    await kept.get("heavy", heavy.read)
    assert await kept.get("heavy", heavy.read) == 2
    assert kept.weight == 8
    kept.drop("a")
    kept.drop("b")
    kept.drop("c")
    assert (kept.weight, len(kept)) == (0, 0)


async def test_many_at_once_read_once() -> None:
    kept, source = Kept(), Source(ONE)
    source.answers.clear()
    asking = [asyncio.create_task(kept.get("a", source.read)) for _ in range(20)]
    await turns()
    source.answers.set()
    assert await asyncio.gather(*asking) == [1] * 20
    assert source.times == 1


async def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    kept, source = Kept(), Source(ONE)
    source.answers.clear()
    source.error = OSError()
    asking = [asyncio.create_task(kept.get("a", source.read)) for _ in range(3)]
    await turns()
    source.answers.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(error) for error in found] == [OSError] * 3
    assert source.times == 1
    source.error = None
    assert await kept.get("a", source.read) == 2


async def test_nothing_is_not_kept() -> None:
    kept, times = Kept(), iter(range(9))

    async def nobody() -> None:
        next(times)

    assert await kept.get("a", nobody) is None
    assert await kept.get("a", nobody) is None
    assert next(times) == 2
    assert len(kept) == 0


async def test_whoever_leaves_leaves_alone() -> None:
    """The one who began the load is gone; it goes on for the others."""
    kept, source = Kept(), Source(ONE)
    source.answers.clear()
    first, second = (asyncio.create_task(kept.get("a", source.read)) for _ in range(2))
    await turns()
    first.cancel()
    await turns()
    assert first.cancelled()
    source.answers.set()
    assert await second == 1
    assert source.times == 1


async def test_what_happens_during_a_load_is_not_missed() -> None:
    """It may or may not be in what was read, so that is shown once and then read anew."""
    kept, source = Kept(), Source(ONE)
    source.answers.clear()
    before = asyncio.create_task(kept.get("a", source.read))
    await turns()
    kept.tell(1, (ONE,))
    source.answers.set()
    assert await before == 1
    assert await kept.get("a", source.read) == 2


@pytest.fixture(params=["a value", "a failure"])
def outcome(request: pytest.FixtureRequest) -> Exception | None:
    return OSError() if request.param == "a failure" else None


async def test_who_must_see_more_does_not_take_a_load_from_before(
    outcome: Exception | None,
) -> None:
    """Two loads are never under way at once, and both who came later share the second."""
    kept, source = Kept(), Source(ONE)
    source.answers.clear()
    before = asyncio.create_task(kept.get("a", source.read))
    await turns()
    kept.tell(1, (ONE,))
    later = [asyncio.create_task(kept.get("a", source.read)) for _ in range(2)]
    await turns()
    assert source.times == 1
    source.error = outcome
    source.answers.set()
    source.answers = asyncio.Event()
    await asyncio.wait({before})
    source.error = None
    await turns()
    source.answers.set()
    assert await asyncio.gather(*later) == [2, 2]
    assert source.times == 2


async def test_who_must_see_more_takes_it_if_that_is_about_something_else() -> None:
    kept, source = Kept(), Source(ONE)
    source.answers.clear()
    before = asyncio.create_task(kept.get("a", source.read))
    await turns()
    kept.tell(1, (TWO,))
    later = asyncio.create_task(kept.get("a", source.read))
    await turns()
    source.answers.set()
    assert [await before, await later] == [1, 1]
