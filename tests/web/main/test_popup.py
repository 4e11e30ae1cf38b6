"""What opens beside a name: a part of a page, with the same button as the profile."""

import json
import re

import pytest
from sqlalchemy import update

from microblog.models import User
from microblog.models.user import fold
from tests.cast import Cast
from tests.web.reading import body, flashes, leads_to, rows


async def change(cast: Cast, name: str, **columns: object) -> None:
    async with cast.resources.database.begin() as session:
        await session.execute(update(User).where(User.username == name).values(**columns))


async def test_the_fragment(cast: Cast) -> None:
    """POP-01, POP-02, POP-03."""
    await change(cast, "john", about_me="I row <boats>.")
    await cast.follow(cast.mary, cast.john)
    susan = cast.susan.browser
    card = await susan.text("/user/John/popup")
    for frame in ("<html", "<head", "<nav", "<script", "message_count"):
        assert frame not in card
    picture = f'<img class="popup-avatar" src="/avatar/{cast.john.id}?size=128" width="64"'
    assert picture in card
    assert '<a class="popup-name" href="/user/john">' in card
    assert "I row &lt;boats&gt;." in card
    assert re.search(r'Last seen on: <time datetime="[^"]+Z" data-format="full">', card)
    assert "1 follower<" in card
    assert "0 following<" in card
    assert 'action="/follow/john"' in card
    assert ">Follow</button>" in card
    await cast.follow(cast.susan, cast.john)
    card = await susan.text("/user/john/popup")
    assert "2 followers<" in card
    assert 'action="/unfollow/john"' in card
    assert ">Unfollow</button>" in card
    own = await susan.text("/user/susan/popup")
    assert "<form" not in own
    assert "1 following<" in own
    assert (await susan.get("/user/no-one/popup")).status_code == 404
    assert leads_to(await cast.stranger.get("/user/john/popup")).startswith("/auth/login")


async def test_what_is_not_there_has_no_line(cast: Cast) -> None:
    """POP-04."""
    await change(cast, "john", about_me="", last_seen_at=None)
    card = await cast.susan.browser.text("/user/john/popup")
    assert "popup-about" not in card
    assert "Last seen" not in card


async def test_each_name_before_a_post_has_its_wrapper(cast: Cast) -> None:
    """POP-05: the link is inside, and what opens does not become part of the link."""
    await cast.publish(cast.john, "a post")
    await cast.write(cast.john, cast.susan, "a message")
    wrapper = '<span class="user_popup"><a class="post-author" href="/user/john"><b dir="ltr">john</b></a></span>'
    for path in ("/explore", "/user/john", "/post/1"):
        page = await cast.susan.browser.text(path)
        assert [wrapper in row.html for row in rows(page)] == [True]
    for path in ("/messages", "/messages/john"):
        assert wrapper in await cast.susan.browser.text(path)


@pytest.mark.parametrize("name", ["o'neil", "a b", "50%", "x?y#z", "zoë", "a+b&c"])
async def test_odd_names(cast: Cast, name: str) -> None:
    """POP-12: names that were given before the present rule."""
    await change(cast, "john", username=name, username_key=fold(name))
    await cast.publish(cast.john, "a post")
    page = await cast.susan.browser.text("/explore")
    found = re.search(r'class="user_popup"><a class="post-author" href="([^"]+)"', page)
    assert found
    assert not re.search(r"[?# ]", found[1])
    # The client of the tests takes a path as it is when decoded.
    if "?" not in name:
        card = await cast.susan.browser.text(f"/user/{name}/popup")
        assert f'<a class="popup-name" href="{found[1]}">' in card


async def test_a_script_presses_the_button(cast: Cast) -> None:
    """The same route and token as on the profile; told in JSON, with nothing left to be flashed."""
    susan = cast.susan.browser
    found = re.search(r'name="csrf_token" value="([^"]+)"', await susan.text("/user/john/popup"))
    assert found
    for path, status, words in (
        ("/follow/john", 200, "You are following john!"),
        ("/follow/susan", 400, "You cannot follow yourself!"),
        ("/unfollow/john", 200, "You are not following john."),
        ("/follow/no-one", 404, ""),
    ):
        answer = await susan.client.post(
            path,
            form={"csrf_token": found[1], "submit": "1"},
            headers={"Accept": "application/json, text/html;q=0.9"},
        )
        told = json.loads(await body(answer))
        assert answer.status_code == status
        assert words in told.get("text", told.get("detail", ""))
    assert flashes(await susan.text("/explore")) == []


async def test_a_part_of_a_page_takes_no_flash_away(cast: Cast) -> None:
    await cast.susan.browser.submit("/", post="hello")
    await cast.susan.browser.text("/user/john/popup")
    assert flashes(await cast.susan.browser.text("/")) == ["Your post is now live!"]
