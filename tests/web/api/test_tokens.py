"""Tokens: opened, used, ended."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from quart import Quart
from sqlalchemy import func, select

from microblog.domain import accounts, sessions, tokens, users
from microblog.models import Token
from tests import secrecy
from tests.cast import PASSWORD, Cast
from tests.web.api.programs import Answer, Program, age, leave, login_token, personal_token
from tests.web.auth import records

SUSAN = ("susan", PASSWORD)


async def opened(program: Program, **options: object) -> str:
    answer = await program.post("/api/tokens", **{"auth": SUSAN, **options})
    assert answer.status == 200
    token: str = answer.json["token"]
    secrecy.spoken(token)
    return token


def ask(answer: Answer) -> str:
    assert answer.status == 401
    assert answer.json["error"] == "Unauthorized"
    assert answer.json["type"] == "/api/docs#unauthorized"
    return answer.headers["www-authenticate"]


async def test_without_the_right_name_and_password(cast: Cast, anybody: Program) -> None:
    """API-01, API-02, T-03: one answer, whatever is wrong."""
    wrong: list[dict[str, object]] = [
        {},
        {"auth": ("susan", "wrong")},
        {"auth": ("nobody", PASSWORD)},
        {"auth": ("", "")},
        {"auth": ("su\x00san", PASSWORD)},
        {"headers": {"Authorization": "Basic ???"}},
        {"headers": {"Authorization": "Basic /////w=="}},
        {"headers": {"Authorization": f"Bearer {await login_token(cast, cast.susan)}"}},
        {"json": {"username": "susan", "password": PASSWORD}},
        {"form": {"username": "susan", "password": PASSWORD}},
    ]
    answers = [await anybody.post("/api/tokens", **one) for one in wrong]
    assert {ask(answer) for answer in answers} == {'Basic realm="microblog"'}
    assert len({str(answer.json) for answer in answers}) == 1
    cookie = await cast.susan.browser.client.post("/api/tokens")
    assert cookie.status_code == 401


async def test_the_same_time_for_a_name_that_nobody_has(cast: Cast, anybody: Program) -> None:
    """T-03, T-37: both check a hash, in turn, so that a busy machine is busy for both."""
    hasher = cast.resources.hasher
    await records.change(cast, cast.susan, password_hash=await hasher.hash("another one"))

    async def took(name: str) -> float:
        begun = time.perf_counter()
        ask(await anybody.post("/api/tokens", auth=(name, "wrong")))
        return time.perf_counter() - begun

    times = [(await took("susan"), await took("nobody")) for _ in range(12)]
    known, unknown = (min(column) for column in zip(*times, strict=True))
    assert 0.5 < known / unknown < 2, times


async def test_a_token_of_an_hour(cast: Cast, anybody: Program, app: Quart) -> None:
    """API-03, API-04: by name or address; told again while it lasts, and no longer for it."""
    answer = await anybody.post("/api/tokens", auth=SUSAN)
    token = answer.json["token"]
    assert len(token) >= 32
    assert token.startswith("mb_")
    assert answer.headers["cache-control"] == "no-store"
    again = await anybody.post("/api/tokens", auth=("SUSAN@example.com", PASSWORD))
    assert again.json == answer.json
    assert (await Program(app, token).get(f"/api/users/{cast.susan.id}")).status == 200
    await age(cast, 3600 - 61.5)
    assert await opened(anybody) == token


async def test_a_token_that_is_nearly_over(cast: Cast, anybody: Program, app: Quart) -> None:
    """API-05: another one; the old one holds until its own end."""
    old = await opened(anybody)
    await leave(cast, 59)
    new = await opened(anybody)
    assert new != old
    for token in (old, new):
        assert (await Program(app, token).get("/api/users")).status == 200


async def test_a_token_ends_after_an_hour(cast: Cast, susan: Program) -> None:
    """API-06."""
    await age(cast, 3590)
    assert (await susan.get("/api/users")).status == 200
    await age(cast, 11)
    assert 'error="invalid_token"' in ask(await susan.get("/api/users"))


async def test_revoking(cast: Cast, anybody: Program, susan: Program, app: Quart) -> None:
    """API-07: this token only; a read-only one may end itself, too."""
    other = Program(app, await personal_token(cast, cast.susan, "read"))
    answer = await susan.delete("/api/tokens")
    assert (answer.status, answer.json) == (204, None)
    ask(await susan.get("/api/users"))
    ask(await susan.delete("/api/tokens"))
    assert await opened(anybody) != susan.token
    assert (await other.get("/api/users")).status == 200
    assert (await other.delete("/api/tokens")).status == 204
    ask(await other.get("/api/users"))


async def test_every_operation_wants_a_token(cast: Cast, anybody: Program) -> None:
    """API-08: none, a wrong one, a cookie, one in the address, one in a form: 401 JSON."""
    token = await login_token(cast, cast.susan)
    guarded = 0
    for path, methods in anybody.described["paths"].items():
        for method, operation in methods.items():
            if not any("bearer" in way for way in operation.get("security", ())):
                continue
            guarded += 1
            where = path.replace("{export}", str(uuid4()))
            where = re.sub(r"{\w+_id}", str(cast.susan.id), where)
            assert ask(await anybody.call(method.upper(), where)) == 'Bearer realm="microblog"'
            for wrong in (
                "mb_" + "x" * 43,
                "x",
                token[:-1],
                token + "x",
                token.upper(),
                "mb_" * 99,
            ):
                ask(
                    await anybody.call(
                        method.upper(), where, headers={"Authorization": f"Bearer {wrong}"}
                    )
                )
            for name in ("token", "access_token"):
                ask(await anybody.call(method.upper(), f"{where}?{name}={token}"))
            response = await cast.susan.browser.client.open(where, method=method.upper())
            assert response.status_code == 401
    assert guarded >= 28


async def test_only_a_hash_is_kept(cast: Cast, susan: Program) -> None:
    """T-36."""
    personal = await personal_token(cast, cast.susan, "read")
    kept = await records.everything(cast)
    for token in (susan.token, personal):
        assert token not in kept
        assert token.removeprefix("mb_") not in kept
    async with cast.resources.database.reading() as session:
        assert await tokens.find_actor(session, personal)
        # What stands in the database opens nothing with another key.
        nonce = await session.scalar(select(Token.nonce).where(Token.kind == "login"))
    assert nonce
    async with cast.resources.database.begin() as session:
        other = await tokens.open_login(session, cast.susan.id, key="another key of the service")
    assert other.token != susan.token


async def test_what_a_token_permits(cast: Cast, app: Quart) -> None:
    """T-36: reading is not writing, and neither moves the account elsewhere."""
    path = f"/api/users/{cast.susan.id}"
    reader = Program(app, await personal_token(cast, cast.susan, "read"))
    writer = Program(app, await personal_token(cast, cast.susan, "write"))
    postman = Program(app, await personal_token(cast, cast.susan, "messages"))
    expected = {reader: (200, 403), writer: (403, 200), postman: (403, 403)}
    for program, (reads, writes) in expected.items():
        for answer, status, needed in (
            (await program.get(path), reads, "read"),
            (await program.put(path, json={"about_me": "words"}), writes, "write"),
        ):
            assert answer.status == status
            # RFC 6750, 3.1.
            asked = f'Bearer realm="microblog", error="insufficient_scope", scope="{needed}"'
            assert answer.headers.get("www-authenticate") == (asked if status == 403 else None)
    nowhere = "/api/exports/b7f1a7f4-3f0b-4c80-bf5e-0d9a64f3a1a5/archive"
    assert 'scope="read messages"' in (await reader.get(nowhere)).headers["www-authenticate"]
    forbidden = reader.described["components"]["responses"]["forbidden"]
    assert "WWW-Authenticate" in forbidden["headers"]
    answer = await writer.put(path, json={"email": "new@example.com"})
    assert answer.status == 403
    assert "www-authenticate" not in answer.headers
    assert (await records.user(cast, cast.susan)).email == "susan@example.com"
    assert await records.letters(cast) == []


@pytest.mark.parametrize("how", ["disable", "close", "change_password", "everywhere"])
async def test_what_ends_every_token(cast: Cast, susan: Program, app: Quart, how: str) -> None:
    """L5: one way to end them all; within a second, as every request looks."""
    personal = Program(app, await personal_token(cast, cast.susan, "read"))
    john = Program(app, await login_token(cast, cast.john))
    async with cast.resources.database.begin() as session:
        user = await users.by_id(session, cast.susan.id)
        match how:
            case "disable":
                await users.disable(session, user)
            case "close":
                await accounts.close(session, cast.susan.actor)
            case "change_password":
                await users.change_password(session, user.id, "new hash")
            case "everywhere":
                await sessions.end_all(session, user.id)
    for program in (susan, personal):
        ask(await program.get("/api/users"))
    assert (await john.get("/api/users")).status == 200
    async with cast.resources.database.reading() as session:
        left = await session.scalar(
            select(func.count()).select_from(Token).where(Token.user_id == cast.susan.id)
        )
    assert left == 0
    if how == "disable":
        ask(await Program(app).post("/api/tokens", auth=SUSAN))


@pytest.mark.usefixtures("usual_limits")
async def test_guesses_count_as_at_the_login(cast: Cast, anybody: Program) -> None:
    """T-01, T-37: ten for an account, at whichever door; a right one does not count."""
    for number in range(12):
        await opened(anybody, address=f"198.51.100.{number}")
    for _ in range(9):
        token = await cast.stranger.token("/auth/login")
        form = {"csrf_token": token, "username": "susan", "password": "wrong"}
        assert (await cast.stranger.client.post("/auth/login", form=form)).status_code == 302
    guess = {"auth": ("susan", "wrong")}
    ask(await anybody.post("/api/tokens", address="203.0.113.1", **guess))
    answer = await anybody.post("/api/tokens", address="203.0.113.2", auth=SUSAN)
    assert answer.status == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 91


async def test_when_a_token_was_used(
    cast: Cast, susan: Program, settled: Callable[[], Awaitable[None]]
) -> None:
    """Written down beside the request, once a minute; it is no visit of the person's."""
    before = (await records.user(cast, cast.susan)).last_seen_at

    async def used():
        await settled()
        async with cast.resources.database.reading() as session:
            return await session.scalar(select(Token.last_used_at))

    assert await used() is None
    await susan.get("/api/users")
    first = await used()
    assert first is not None
    await susan.get("/api/users")
    assert await used() == first
    assert (await records.user(cast, cast.susan)).last_seen_at == before


@pytest.fixture
def settled(cast: Cast) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        await asyncio.gather(*cast.resources._noting.values())

    return wait


async def test_old_tokens_are_swept(cast: Cast, susan: Program) -> None:
    await age(cast, 3601)
    kept = await personal_token(cast, cast.susan, "read")
    async with cast.resources.database.begin() as session:
        await tokens.sweep(session)
    async with cast.resources.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Token)) == 1
        assert await tokens.find_actor(session, kept)
