"""Posts by date: out of archives, of one moment, deleted, written by a clock that was wrong."""

from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest

from microblog.database import Database
from microblog.domain import posts
from microblog.domain.paging import Place, Slice
from microblog.domain.posts import PostView
from tests.domain.house import WRITERS, House

LONG_AGO = datetime(2020, 2, 29, 12, tzinfo=UTC)
LISTS = ("susan's home", "explore", "john")


@pytest.fixture
async def house(database: Database) -> House:
    return await House.opened(database)


def belongs(post: PostView, which: str) -> bool:
    authors = {"susan's home": ("susan", "john", "mary"), "john": ("john",)}
    return post.author_username in authors.get(which, (post.author_username,))


def newest_first(found: list[PostView]) -> list[int]:
    return [p.id for p in sorted(found, key=lambda p: (p.created_at, p.id), reverse=True)]


async def mixed(house: House) -> list[PostView]:
    """60 posts: of today, of long ago and between, in one moment, in any order of ids."""
    names = cycle(WRITERS)
    found = [await house.publish(next(names)) for _ in range(20)]
    for number in range(20):
        moments = (
            LONG_AGO - timedelta(days=number % 7),
            LONG_AGO,
            found[number].created_at,
            found[number].created_at + timedelta(microseconds=1),
        )
        found.append(await house.bring_back(moments[number * 3 % 4], next(names)))
    return found + [await house.publish(next(names)) for _ in range(20)]


@pytest.mark.parametrize("which", LISTS)
async def test_every_post_is_seen_once_at_its_date(house: House, which: str) -> None:
    """Downwards by cursor, upwards by cursor, and by page number."""
    written = [post for post in await mixed(house) if belongs(post, which)]
    expected = newest_first(written)
    assert expected != sorted(expected, reverse=True)
    down: list[list[int]] = []
    place: Place | None = Place()
    while place is not None:
        part = await house.page(which, place)
        down.append([post.id for post in part.items])
        place = part.older
    assert [number for page in down for number in page] == expected
    up = [down[-1]]
    while part.newer is not None:
        part = await house.page(which, part.newer)
        up.append([post.id for post in part.items])
    assert up == down[::-1]
    for number, ids in enumerate(down, start=1):
        part = await house.page(which, Place(page=number))
        assert [post.id for post in part.items] == ids


async def test_a_list_that_changes_under_the_reader(house: House) -> None:
    """M-110: what is written and deleted meanwhile makes nothing else be skipped or come twice."""
    written = {post.id: post for post in await mixed(house)}
    ahead = newest_first(list(written.values()))
    seen: list[int] = []
    gone: set[int] = set()
    place: Place | None = Place()
    while place is not None:
        part = await house.page("explore", place, 5)
        seen += [post.id for post in part.items]
        place = part.older
        ahead = [number for number in ahead if number not in seen]
        # One that was read (not the one to go on from), and one that was not yet.
        for number in (seen[-2], *ahead[3:4]):
            await house.remove(written[number])
            gone.add(number)
        ahead = [number for number in ahead if number not in gone]
        await house.publish("mary")
        await house.bring_back(written[seen[0]].created_at)
    unread = gone - set(seen)
    assert len(unread) > 5
    expected = newest_first(list(written.values()))
    assert seen == [number for number in expected if number not in unread]


async def test_a_reader_goes_on_from_a_deleted_post(house: House) -> None:
    """Down and up again, past an archive that came between, though its ids are the neighbours."""
    found = [await house.publish() for _ in range(6)]
    archive = [await house.bring_back(LONG_AGO + timedelta(days=n)) for n in range(5)]
    found += [await house.publish() for _ in range(12)]
    written = {post.id: post for post in archive + found}
    gone: list[int] = []
    seen: list[int] = []
    place: Place | None = Place()
    while place is not None:
        part = await house.page("explore", place, 3)
        seen += [post.id for post in part.items]
        place = part.older
        if place is not None:
            await house.remove(written[seen[-1]])
            gone.append(seen[-1])
    assert seen == newest_first(archive + found)
    bottom = part.items[0].id
    above = [number for number in seen[: seen.index(bottom)] if number not in gone]
    back: list[int] = []
    while part.newer is not None:
        await house.remove(part.items[0])
        part = await house.page("explore", part.newer, 3)
        back[:0] = [post.id for post in part.items if post.id not in back]
    assert back == above


async def test_cursors_that_no_post_ever_had(house: House) -> None:
    for place in (Place(before=1), Place(after=1)):
        assert await house.page("explore", place) == Slice()
    first, second = [await house.publish() for _ in range(2)]
    ids = [second.id, first.id]
    for place, expected in (
        (Place(before=2**31 - 1), ids),
        (Place(after=2**31 - 1), ids),
        (Place(before=0), []),
        (Place(after=0), ids),
    ):
        part = await house.page("explore", place)
        assert [post.id for post in part.items] == expected


async def test_two_of_one_moment_are_both_seen(house: House) -> None:
    """By id within the moment; the boundary of a page may lie between them."""
    twins = [await house.bring_back(LONG_AGO) for _ in range(4)]
    for which in LISTS:
        seen: list[int] = []
        place: Place | None = Place()
        while place is not None:
            part = await house.page(which, place, 1)
            seen += [post.id for post in part.items]
            place = part.older
        assert seen == [post.id for post in twins[::-1]]


@pytest.mark.parametrize("hours", [1, 24])
async def test_a_clock_that_steps_back_changes_no_order(house: House, hours: int) -> None:
    """T-77: what was written while the clock was ahead stays below what is written after."""
    early = await house.publish()
    ahead = await house.bring_back(datetime.now(UTC) + timedelta(hours=hours))
    later = [await house.publish(name) for name in ("mary", "john", "susan")]
    for which in LISTS[:2]:
        shown = (await house.page(which, Place())).items
        assert [post.id for post in shown] == newest_first([early, ahead, *later])
        assert [post.id for post in shown] == sorted((p.id for p in shown), reverse=True)
    assert {post.created_at for post in later} == {ahead.created_at}
    async with house.database.begin() as session:
        await posts.edit(session, house.people["john"], early.id, "mended", length=500)
        assert (await posts.by_id(session, early.id)).created_at == early.created_at
