"""Lists of posts: what is in them, in which order, and where their pages lead."""

from microblog.domain import timeline
from microblog.domain.paging import Place
from tests.cast import Cast


async def test_home_is_one_s_own_and_those_one_follows(cast: Cast) -> None:
    """M-095, M-096, M-097, M-098."""
    posts = {}
    for name in ("john", "susan", "mary", "david"):
        posts[name] = await cast.publish(getattr(cast, name), f"post from {name}")
    for follower, followed in (
        ("john", "susan"),
        ("john", "david"),
        ("susan", "mary"),
        ("mary", "david"),
    ):
        await cast.follow(getattr(cast, follower), getattr(cast, followed))

    async def home(name: str) -> list[str]:
        async with cast.resources.database.reading() as session:
            part = await timeline.home(session, getattr(cast, name).actor, Place(), size=25)
        return [post.author_username for post in part.items]

    assert await home("john") == ["david", "susan", "john"]
    assert await home("susan") == ["mary", "susan"]
    assert await home("mary") == ["david", "mary"]
    assert await home("david") == ["david"]


async def test_cursors_neither_skip_nor_repeat_while_posts_arrive(cast: Cast) -> None:
    ids = [await cast.publish(cast.susan, f"post {n}") for n in range(7)]
    seen: list[int] = []
    place: Place | None = Place()
    while place is not None:
        async with cast.resources.database.reading() as session:
            part = await timeline.explore(session, place, size=3)
        seen += [post.id for post in part.items]
        place = part.older
        await cast.publish(cast.john, "in between")
    assert seen == ids[::-1]


async def test_newer_leads_back_to_the_page_one_came_from(cast: Cast) -> None:
    """M-110."""
    ids = [await cast.publish(cast.susan, f"post {n}") for n in range(9)][::-1]

    async def page(place: Place | None):
        assert place is not None
        async with cast.resources.database.reading() as session:
            return await timeline.explore(session, place, size=3)

    first = await page(Place())
    second = await page(first.older)
    third = await page(second.older)
    assert [p.id for p in third.items] == ids[6:]
    assert first.newer is None
    assert third.older is None
    assert [p.id for p in (await page(third.newer)).items] == ids[3:6]
    back = await page(second.newer)
    assert [p.id for p in back.items] == ids[:3]
    assert back.newer is None
