"""Following by programs: once or many times with the same result."""

import asyncio

from sqlalchemy import func, select

from microblog.domain import events
from microblog.models import Event, Follow
from tests.cast import Cast
from tests.test_laws import dump
from tests.web.api.programs import Program, names
from tests.web.api.test_posts import NO_ID


async def told(cast: Cast, kind: str) -> int:
    async with cast.resources.database.reading() as session:
        return await session.scalar(select(func.count()).where(Event.kind == kind)) or 0


async def test_there_and_back(cast: Cast, susan: Program) -> None:
    """As on the page: counted, told to open pages once, seen in the timeline."""
    post_id = await cast.publish(cast.john, "hello")
    path = f"/api/users/{cast.john.id}/follow"
    for verb, kind, follower_names in (
        (susan.put, events.FOLLOWED, ["susan"]),
        (susan.delete, events.UNFOLLOWED, []),
    ):
        for _ in range(3):
            answer = await verb(path)
            assert (answer.status, answer.json) == (204, None)
        assert await told(cast, kind) == 1
        followers = (await susan.get(f"/api/users/{cast.john.id}/followers")).json
        assert names(followers["items"]) == follower_names
        items = (await susan.get("/api/timeline")).json["items"]
        assert [item["id"] for item in items] == [post_id] * len(follower_names)


async def test_many_at_once(cast: Cast, susan: Program) -> None:
    path = f"/api/users/{cast.john.id}/follow"
    answers = await asyncio.gather(*(susan.put(path) for _ in range(10)))
    assert {answer.status for answer in answers} == {204}
    async with cast.resources.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Follow)) == 1
    assert await told(cast, events.FOLLOWED) == 1


async def test_whom_one_cannot_follow(cast: Cast, susan: Program) -> None:
    """Oneself is 400, nobody 404, and no number (T-44) is nobody."""
    before = await dump(cast)
    for verb in (susan.put, susan.delete):
        answer = await verb(f"/api/users/{cast.susan.id}/follow")
        assert answer.status == 400
        assert "yourself" in answer.json["detail"]
        assert (await verb("/api/users/99/follow")).status == 404
        for odd in NO_ID:
            assert (await verb(f"/api/users/{odd}/follow")).status in (400, 404), odd
        assert (await verb(f"/api/users/{cast.john.id}/follow?x=1")).status == 400
    assert (await susan.get(f"/api/users/{cast.john.id}/follow")).status == 405
    assert await dump(cast) == before
