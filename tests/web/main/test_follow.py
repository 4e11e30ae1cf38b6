"""The follow button, both ways."""

import asyncio

from sqlalchemy import func, select

from microblog.models import Event, Follow
from tests.cast import Browser, Cast
from tests.web.reading import flashes, leads_to


async def press(browser: Browser, path: str) -> tuple[str, list[str]]:
    """Press a button: where it leads, and what is said there."""
    response = await browser.submit("/explore", to=path, submit="1")
    goal = leads_to(response)
    return goal, flashes(await browser.text(goal))


async def links(cast: Cast) -> int:
    async with cast.resources.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Follow)) or 0


async def test_following_and_unfollowing(cast: Cast) -> None:
    """M-084, M-085, M-094."""
    john = cast.john.browser
    await cast.publish(cast.susan, "post by susan")
    assert await press(john, "/follow/susan") == ("/user/susan", ["You are following susan!"])
    assert await links(cast) == 1
    assert "post by susan" in await john.text("/")
    assert "1 followers, 0 following." in await john.text("/user/susan")
    assert "0 followers, 1 following." in await john.text("/user/john")
    assert await press(john, "/unfollow/susan") == (
        "/user/susan",
        ["You are not following susan."],
    )
    assert await links(cast) == 0
    assert "post by susan" not in await john.text("/")


async def test_twice_is_once(cast: Cast) -> None:
    """M-086, M-087."""
    for _ in range(2):
        assert (await press(cast.john.browser, "/follow/Susan"))[0] == "/user/susan"
        assert await links(cast) == 1
    for _ in range(2):
        assert (await press(cast.john.browser, "/unfollow/susan"))[0] == "/user/susan"
        assert await links(cast) == 0


async def test_not_oneself(cast: Cast) -> None:
    """M-088, M-089."""
    for verb in ("follow", "unfollow"):
        goal, said = await press(cast.susan.browser, f"/{verb}/susan")
        assert (goal, said) == ("/user/susan", [f"You cannot {verb} yourself!"])
    assert await links(cast) == 0


async def test_nobody_of_that_name(cast: Cast) -> None:
    """M-090."""
    for name in ("nobody-here", "<b>x", "%(name)s", "%d"):
        for verb in ("follow", "unfollow"):
            # The client of the tests takes a path as it is when decoded.
            goal, said = await press(cast.susan.browser, f"/{verb}/{name}")
            assert (goal, said) == ("/index", [f"User {name} not found."])


async def test_many_clicks_at_once_are_one_link(cast: Cast) -> None:
    """M-091, T-65: one row, one event."""
    token = await cast.john.browser.token("/explore")
    responses = await asyncio.gather(
        *(cast.john.browser.post("/follow/susan", csrf_token=token) for _ in range(50))
    )
    assert {response.status_code for response in responses} == {302}
    assert await links(cast) == 1
    async with cast.resources.database.reading() as session:
        count = select(func.count()).where(Event.kind == "follow.created")
        assert await session.scalar(count) == 1


async def test_a_link_alone_does_nothing(cast: Cast) -> None:
    """The address takes no GET, so that nobody is made to follow by a picture in a page."""
    for verb in ("follow", "unfollow"):
        response = await cast.susan.browser.get(f"/{verb}/john")
        assert response.status_code == 405
        assert "POST" in response.headers["Allow"]
    assert await links(cast) == 0
