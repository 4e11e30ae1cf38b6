"""Sockets that were opened with a token: whose they are, what they hear, when they end."""

import json
from datetime import timedelta

from quart import Quart
from sqlalchemy import update

from microblog.database import Database
from microblog.domain import events, sessions, tokens, users
from microblog.models import Session, Token, utc_now
from tests.cast import Browser
from tests.live.hearing import Ear, Town
from tests.live.test_ends import SOON, assert_alive
from tests.live.test_handshake import opened


async def token(town: Town, name: str, *scopes: str) -> str:
    async with town.database.begin() as session:
        return await tokens.make(session, town.people[name], "program", scopes or ("read",), days=1)


async def ear(town: Town, name: str, *scopes: str, channel: str = "home") -> Ear:
    secret = await token(town, name, *scopes)
    async with town.database.reading() as session:
        actor = await tokens.find_actor(session, secret)
    assert actor is not None
    return await (await town.listen(name, channel, actor=actor)).live()


async def test_the_handshake(app: Quart, town: Town) -> None:
    """T-36: in the header only; a scope is needed; a browser's foreign page is still foreign."""
    stranger = Browser(app)
    secret = await token(town, "susan")
    bearer = {"Authorization": f"Bearer {secret}"}
    assert await opened(stranger, **bearer) == 101
    assert await opened(stranger, Authorization="Bearer nonsense") == 401
    assert await opened(stranger, Authorization=f"Basic {secret}") == 401
    assert await opened(stranger, Origin="http://evil.example", **bearer) == 403
    unread = {"Authorization": f"Bearer {await token(town, 'susan', 'write', 'messages')}"}
    assert await opened(stranger, **unread) == 403
    async with stranger.client.websocket("/live", headers=bearer) as socket:
        assert json.loads(await socket.receive())["user"] == "susan"


async def test_a_token_in_the_address_is_not_looked_at(app: Quart, town: Town) -> None:
    secret = await token(town, "susan")
    client = app.test_client()
    for name in ("token", "access_token", "authorization"):
        response = await client.get(f"/live?{name}={secret}")
        assert response.status_code in (400, 404)
        browser = Browser(app)
        browser.client.websocket = _with_query(browser, f"/live?{name}={secret}")  # type: ignore[method-assign]
        assert await opened(browser) == 401


def _with_query(browser: Browser, path: str):
    plain = browser.client.websocket
    return lambda _path, **options: plain(path, **options)


async def test_revoking_ends_the_sockets_of_that_token_only(
    town: Town, elsewhere: Database
) -> None:
    ending, staying = await ear(town, "susan"), await ear(town, "susan", channel="explore")
    by_cookie = await (await town.listen("susan", "explore")).live()
    async with elsewhere.begin() as session:
        await tokens.revoke(session, ending.reader.actor, ending.reader.actor.token_id or 0)
    assert await ending.hear_end(SOON) == 4401
    await assert_alive(town, staying, by_cookie)


async def test_all_of_a_person(town: Town, elsewhere: Database) -> None:
    """L5."""
    for end in (users.disable, lambda session, user: sessions.end_all(session, user.id)):
        ending = [await ear(town, "susan"), await (await town.listen("susan")).live()]
        other = await ear(town, "mary", channel="explore")
        async with elsewhere.begin() as session:
            user = await users.by_id(session, town.people["susan"].id)
            await users.enable(session, user)
            await end(session, user)
        assert [await one.hear_end(SOON) for one in ending] == [4401, 4401]
        await assert_alive(town, other)
        async with elsewhere.begin() as session:
            await users.enable(session, user)


async def test_time_ends_them_too(town: Town) -> None:
    """The socket's own token and its own login; nobody says so, the hub looks."""
    soon = utc_now() + timedelta(seconds=0.5)
    secret, login = await token(town, "susan"), await town.log_in("john")
    async with town.database.begin() as session:
        await session.execute(update(Token).values(expires_at=soon))
        await session.execute(
            update(Session).where(Session.id == login.session_id).values(expires_at=soon)
        )
    async with town.database.reading() as session:
        program = await tokens.find_actor(session, secret)
    assert program is not None
    assert program.ends_at == soon
    assert login.ends_at is not None
    ending = [await town.listen("susan", actor=program)]
    staying = await (await town.listen("mary", "explore")).live()
    assert await ending[0].hear_end(SOON) == 4401
    await assert_alive(town, staying)


async def test_messages_want_their_own_scope(town: Town) -> None:
    """Who writes to whom is told only to a token that may read messages."""
    deaf, hearing = await ear(town, "susan"), await ear(town, "susan", "read", "messages")
    async with town.database.begin() as session:
        events.record(
            session,
            events.MESSAGE_CREATED,
            actor_id=town.people["john"].id,
            subject_id=town.people["susan"].id,
            payload={"message_id": 7},
        )
    frames = await hearing.hear(1)
    assert frames[0]["type"] == "message.created"
    post = await town.post("susan")
    await deaf.hear_post(post)
    assert [frame["type"] for frame in deaf.frames] == ["post.created"]
