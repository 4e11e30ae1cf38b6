"""Walks from one end of a long list to the other, while others write and delete."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select

from microblog.models import Post, User, utc_now
from tests.cast import Cast
from tests.web.api.programs import Program

MANY = 10_000


async def test_ten_thousand_people(cast: Cast, susan: Program) -> None:
    """API-18: by `next` while people come: everybody who was there at the beginning, once."""
    async with cast.resources.database.begin() as session:
        session.add_all(User(username=f"p{n}", email=f"p{n}@example.com") for n in range(MANY))
        await session.flush()
        known = set(await session.scalars(select(User.id)))
    path, seen, pages = "/api/users?per_page=100", [], 0
    while path:
        page = (await susan.get(path)).json
        seen += [item["id"] for item in page["items"]]
        path, pages = page["_links"]["next"], pages + 1
        if pages % 20 == 0:
            async with cast.resources.database.begin() as session:
                session.add(User(username=f"new{pages}", email=f"new{pages}@example.com"))
    assert seen == sorted(set(seen))
    assert known <= set(seen)
    assert len(seen) - len(known) == pages // 20
    assert pages == MANY // 100 + 1


@pytest.mark.parametrize("path", ["/api/posts", "/api/timeline", "/api/users/1/posts"])
async def test_ten_thousand_posts(cast: Cast, susan: Program, path: str) -> None:
    """API-18: by `next` while posts come and go, the cursor's own too: each that stays, once."""
    begun = utc_now() - timedelta(days=1)
    authors = [cast.susan.id] * 3
    if "users" not in path:
        authors[1:] = [cast.john.id, cast.mary.id]
        await cast.follow(cast.susan, cast.john)
        await cast.follow(cast.susan, cast.mary)
    async with cast.resources.database.begin() as session:
        rows = [
            # Several at the same moment, so that only the id tells them apart.
            {
                "user_id": authors[n % 3],
                "body": f"post {n}",
                "timestamp": begun + timedelta(seconds=n // 4),
            }
            for n in range(MANY)
        ]
        await session.execute(insert(Post), rows)
        known = set(await session.scalars(select(Post.id)))
    path = f"{path}?limit=100".replace("/1/", f"/{cast.susan.id}/")
    seen: list[int] = []
    gone: set[int] = set()
    while path:
        answer = await susan.get(path)
        seen += [item["id"] for item in answer.json["items"]]
        path = answer.json["_links"]["next"]
        if path:
            assert f'<{path}>; rel="next"' in answer.headers["link"]
        await cast.publish(cast.john, "meanwhile")
        # Behind, ahead, and now and then where the walk stands.
        deleted = {seen[-50], seen[-1] - 150, *([seen[-1]] if len(gone) % 7 == 0 else [])}
        async with cast.resources.database.begin() as session:
            await session.execute(delete(Post).where(Post.id.in_(deleted)))
        gone |= deleted
    assert seen == sorted(set(seen), reverse=True)
    assert known - gone <= set(seen) <= known
    assert len(gone) > 200
