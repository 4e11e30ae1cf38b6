"""What changes, searches, programs and sockets cost: as many SQL statements with much as with little.

Every number is what it costs where nothing is remembered; where two stand, on SQLite and on
PostgreSQL.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from microblog.domain import follows, users
from microblog.models import Archive, Follow, Message, PostVersion, Session, Token
from microblog.web import purses
from tests.cast import PASSWORD, Browser, Cast
from tests.live.test_handshake import settled
from tests.test_statements import counted
from tests.translators import environ, translation_service
from tests.web.api.programs import Program, login_token
from tests.web.reading import leads_to

MANY = 30
LATER = datetime(2999, 1, 1, tzinfo=UTC)
WORDS, SAME = "other words", "old words"
Costs = int | tuple[int, int]


@pytest.fixture(autouse=True)
def nothing_lapses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's allowance is taken ahead; what is not used in time would be taken once more."""
    monkeypatch.setattr(purses, "_LAPSE_SECONDS", 3600.0)


@pytest.fixture
async def translator(environment: dict[str, str]) -> AsyncIterator[None]:
    async with translation_service() as service:
        environment.update(environ(service))
        yield


async def crowd(cast: Cast, name: str, number: int) -> None:
    """So many more of everything: people who read the cast, and all that susan has and gets."""
    susan, john, mary = cast.susan.id, cast.john.id, cast.mary.id
    async with cast.resources.database.begin() as session:
        for n in range(number):
            key = f"{name}{n}"
            person = (await users.register(session, key, f"{key}@example.com", "x")).id
            pairs = [(person, susan), (person, john), (person, mary), (susan, person)]
            session.add_all(Follow(follower_id=who, followed_id=whom) for who, whom in pairs)
            for sender, recipient in ((susan, john), (john, susan), (person, susan)):
                session.add(Message(sender_id=sender, recipient_id=recipient, body=key))
            own = {"user_id": susan, "expires_at": LATER}
            session.add(Session(token_hash=key, **own))
            session.add(Token(secret_hash=key, kind="personal", name=key, scopes="read", **own))
            session.add(Archive(task_id=key, name=key, size=1, posts=1, **own))
    for n in range(number):
        await cast.publish(cast.susan, f"{name} words {n}")
        await cast.publish(cast.john, f"{name} words {n}")


async def scene(cast: Cast, versions: int) -> int:
    """A post of susan's, edited that often; she follows john, and not mary."""
    post_id = await cast.publish(cast.susan, SAME)
    await cast.follow(cast.susan, cast.john)
    async with cast.resources.database.begin() as session:
        mary = await users.by_id(session, cast.mary.id)
        await follows.unfollow(session, cast.susan.actor, mary)
        for n in range(versions):
            session.add(PostVersion(post_id=post_id, body=f"{n}", written_at=LATER))
    return post_id


async def check(cast: Cast, costs: Costs, act: Callable[[int], Awaitable[Any]]) -> None:
    """With a post of susan's, ``act`` costs that, where little else is there and where much is."""
    on_sqlite, on_postgresql = (costs, costs) if isinstance(costs, int) else costs
    cost = on_sqlite if cast.resources.database.is_sqlite else on_postgresql
    for name, number in (("few", 1), ("many", MANY)):
        await crowd(cast, name, number)
        post_id = await scene(cast, number)
        await cast.resources.hub.reach(await cast.resources.hub.newest())
        cast.resources.memory.is_on = False
        with counted(cast) as statements:
            await act(post_id)
        cast.resources.memory.is_on = True
        told = [s for s in statements if not s.startswith("BEGIN")]
        assert len(told) == cost, (name, told)


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("/account", 6),
        ("/edit_profile", 2),
        ("/post/{post}/edit", 2),
        ("/search?q=words", 4),
        ("/search?q=words+from:susan+after:2020", 3),
        ("/search?q=nowhere", 3),
    ],
)
async def test_pages(cast: Cast, path: str, cost: int) -> None:
    await check(cast, cost, lambda post: cast.susan.browser.text(path.format(post=post)))


@pytest.mark.parametrize(
    ("path", "fields", "costs"),
    [
        ("/post/{post}/edit", {"post": WORDS, "language": "en"}, 8),
        ("/post/{post}/edit", {"post": SAME}, 4),
        # A virtual table has no foreign key: on SQLite its row is deleted by itself.
        ("/post/{post}/delete", {}, (5, 4)),
        ("/follow/mary", {}, 8),
        ("/follow/john", {}, 4),
        ("/unfollow/john", {}, 5),
        ("/unfollow/mary", {}, 4),
        # Two events: on PostgreSQL the first of them takes the lock, by itself.
        ("/send_message/john", {"message": WORDS}, (12, 13)),
        ("/edit_profile", {"username": "susan", "about_me": WORDS}, 6),
    ],
)
async def test_forms(cast: Cast, path: str, fields: dict[str, str], costs: Costs) -> None:
    browser = cast.susan.browser
    token = await browser.token("/edit_profile")

    async def send(post: int) -> None:
        response = await browser.post(path.format(post=post), csrf_token=token, **fields)
        assert response.status_code == 302

    await check(cast, costs, send)


@pytest.mark.parametrize(("password", "cost"), [(PASSWORD, 7), ("wrong", 3)])
async def test_a_login(cast: Cast, password: str, cost: int) -> None:
    """Two allowances, the account; if it is right: both given back, the login, the presence."""

    async def log_in(_post: int) -> None:
        browser = Browser(cast.stranger.client.app)
        response = await browser.log_in("susan", password)
        assert ("login" in leads_to(response)) == (password != PASSWORD)

    await check(cast, cost, log_in)


@pytest.mark.usefixtures("translator")
@pytest.mark.parametrize(
    ("fields", "times", "cost"),
    [
        ({"post_id": "{post}"}, 1, 11),
        # It is kept: the next one reads the login, the post and what is kept.
        ({"post_id": "{post}"}, 2, 11 + 3),
        ({"text": "hola", "source_language": "es"}, 1, 4),
        ({"text": "hola", "source_language": "es"}, 2, 4 + 4),
    ],
)
async def test_a_translation(cast: Cast, fields: dict[str, str], times: int, cost: int) -> None:
    token = await cast.susan.browser.token("/edit_profile")
    headers = {"Accept": "application/json", "X-CSRFToken": token}

    async def translate(post: int) -> None:
        form = {name: value.format(post=post) for name, value in fields.items()}
        form["dest_language"] = "de"
        for _ in range(times):
            client = cast.susan.browser.client
            response = await client.post("/translate", form=form, headers=headers)
            assert (await response.get_json())["text"].startswith("de: ")

    await check(cast, cost, translate)


@pytest.mark.parametrize(
    ("method", "path", "data", "costs"),
    [
        ("GET", "/api/posts/{post}", None, 2),
        ("GET", "/api/users/{susan}", None, 2),
        # On PostgreSQL a list of the newest heeds who is writing at this moment.
        ("GET", "/api/timeline", None, (2, 3)),
        ("GET", "/api/posts", None, (2, 3)),
        ("GET", "/api/users/{susan}/posts", None, (2, 3)),
        ("GET", "/api/timeline?before={post}", None, 3),
        ("GET", "/api/posts?before={post}", None, 3),
        ("GET", "/api/timeline?after=1", None, (4, 5)),
        ("GET", "/api/posts?after=1", None, (4, 5)),
        ("POST", "/api/posts", {"body": WORDS, "language": "en"}, 5),
        # What might be in several languages: in which does its author write?
        ("POST", "/api/posts", {"body": "another"}, 6),
        ("PUT", "/api/posts/{post}", {"body": WORDS, "language": "en"}, 8),
        ("PUT", "/api/posts/{post}", {"body": SAME}, 4),
        ("DELETE", "/api/posts/{post}", None, (5, 4)),
    ],
)
async def test_programs(
    cast: Cast, method: str, path: str, data: dict[str, str] | None, costs: Costs
) -> None:
    program = await acquainted(cast)
    options = {} if data is None else {"json": data}

    async def call(post: int) -> None:
        address = path.format(post=post, susan=cast.susan.id)
        assert (await program.call(method, address, **options)).status < 300

    await check(cast, costs, call)


async def acquainted(cast: Cast) -> Program:
    """A program of susan's that has read and written; only the first use of a token is noted."""
    program = Program(cast.stranger.client.app, await login_token(cast, cast.susan))
    assert (await program.get("/api/users/999")).status == 404
    assert (await program.delete("/api/posts/999")).status == 404
    await asyncio.gather(*cast.resources._noting.values())
    return program


@pytest.mark.parametrize(
    ("wish", "by_token", "cost"),
    [
        ("", False, 4),
        ("", True, 4),
        # Each profile by itself.
        ("?channels=user:john", False, 5),
        ("?channels=user:john,user:mary", False, 6),
        # What was missed: a part of the log, its posts, where the log begins.
        ("?since=0", False, 7),
    ],
)
async def test_a_handshake(cast: Cast, wish: str, by_token: bool, cost: int) -> None:
    """Who it is, the end of the log, whom they follow, whether the login still holds."""
    browser, headers = cast.susan.browser, {}
    if by_token:
        browser = cast.stranger
        headers["Authorization"] = f"Bearer {(await acquainted(cast)).token}"
    await check(cast, cost, lambda _post: joined(browser, f"/live{wish}", headers))


async def test_a_handshake_of_somebody_who_is_remembered(cast: Cast) -> None:
    """It asks whom they follow, once."""
    await crowd(cast, "many", MANY)
    await cast.susan.browser.text("/explore")
    costs = []
    for _ in range(3):
        with counted(cast) as statements:
            await joined(cast.susan.browser, "/live", {})
        costs.append(len(statements))
    assert costs == [1, 0, 0]


async def joined(browser: Browser, path: str, headers: dict[str, str]) -> None:
    async with browser.client.websocket(path, headers=headers) as socket:
        assert '"hello"' in await socket.receive()
        await settled(browser)
