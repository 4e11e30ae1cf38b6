"""Requests sent again under a key: done once, answered each time."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import delete, func, select, update

from microblog.app import create_app
from microblog.domain import answers
from microblog.models import Answer, Event, Post, User, utc_now
from microblog.settings import Settings
from microblog.web import limiting
from microblog.web.api import serialization
from tests.cast import Cast
from tests.web.api.programs import Answer as Told
from tests.web.api.programs import Program, login_token, personal_token
from tests.web.auth import records
from tests.web.auth.conftest import patient  # noqa: F401 (asked for by name)

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
POST = {"body": "only once", "language": "en"}
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def send(program: Program, body: Any = POST, *, key: str = KEY, **headers: str) -> Told:
    return await program.post("/api/posts", json=body, headers={"Idempotency-Key": key, **headers})


async def count(cast: Cast, table: Any = Post) -> int:
    async with cast.resources.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_sent_again(cast: Cast, susan: Program) -> None:
    """The same answer, marked; one post, one event. However the same thing is spelled."""
    first = await send(susan)
    assert first.status == 201
    assert "idempotency-replayed" not in first.headers
    spelled = json.dumps(dict(reversed(POST.items())), indent=4)
    headers = {"Idempotency-Key": KEY, "Content-Type": "application/json; charset=utf-8"}
    for again in (await send(susan), await susan.post("/api/posts", data=spelled, headers=headers)):
        assert again.headers["idempotency-replayed"] == "true"
        assert (again.status, again.json) == (201, first.json)
        for name in ("location", "content-type"):
            assert again.headers[name] == first.headers[name]
        assert "ratelimit" in again.headers
    assert await count(cast) == 1
    async with cast.resources.database.reading() as session:
        created = select(func.count()).where(Event.kind == "post.created")
        assert await session.scalar(created) == 1
    # What was answered stays answered, whatever has become of it since.
    await susan.delete(first.headers["location"])
    assert (await send(susan)).json == first.json
    assert await count(cast) == 0


async def test_something_else_under_the_same_key(cast: Cast, app: Quart, susan: Program) -> None:
    """409, also at another address; other people's keys, and other keys, are other keys."""
    await send(susan)
    for other in ({**POST, "body": "Only once"}, {"body": POST["body"]}):
        answer = await send(susan, other)
        assert answer.status == 409
        assert answer.json["type"] == "/api/docs#conflict"
        assert "retry-after" not in answer.headers
    elsewhere = await susan.post(
        "/api/messages",
        json={"recipient": "john", "body": "x"},
        headers={"Idempotency-Key": KEY},
    )
    assert elsewhere.status == 409
    john = Program(app, await login_token(cast, cast.john))
    assert (await send(john)).json["author"]["username"] == "john"
    for key in ("x", KEY.upper(), "~" * 255):
        assert (await send(susan, key=key)).status == 201
    assert await count(cast) == 5


async def test_what_is_no_key(cast: Cast, susan: Program) -> None:
    for odd in ("", " ", "a b", "x" * 256, "caf\xe9", "a\tb", "\x7f"):
        answer = await send(susan, key=odd)
        assert answer.status == 400, odd
        assert answer.json["errors"][0]["field"] == "Idempotency-Key"
    assert await count(cast) == 0


async def test_a_refusal_leaves_the_key_free(
    cast: Cast, susan: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one of ours, and also one after the post was written."""
    assert (await send(susan, {"body": "x" * 501})).status == 400
    assert (await send(susan, {"body": 1})).status == 400
    shown = serialization.created

    def stumble(*_: Any) -> Any:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(serialization, "created", stumble)
    assert (await send(susan)).status == 500
    monkeypatch.setattr(serialization, "created", shown)
    assert await count(cast) == await count(cast, Answer) == 0
    answer = await send(susan)
    assert (answer.status, "idempotency-replayed" in answer.headers) == (201, False)


async def test_who_may_no_longer_gets_no_answer_again(cast: Cast, app: Quart) -> None:
    """The right is looked at first; a token of the same person that has it gets the answer."""
    writing = Program(app, await personal_token(cast, cast.susan, "write"))
    first = await send(writing)
    reading = Program(app, await personal_token(cast, cast.susan, "read"))
    assert (await send(reading)).status == 403
    assert (await send(Program(app))).status == 401
    assert (await send(Program(app, await login_token(cast, cast.susan)))).json == first.json
    await records.change(cast, cast.susan, confirmed_at=None)
    assert (await send(writing)).json == first.json


@pytest.fixture
async def other(app: Quart, settings: Settings) -> AsyncIterator[Quart]:
    """Another process on the same database, as far as one process can be two."""
    other = create_app(settings)
    async with other.test_app():
        yield other


@pytest.mark.usefixtures("patient")
async def test_many_at_once(cast: Cast, app: Quart, other: Quart) -> None:
    """50 creations with one key, at two applications: one post, 50 equal answers."""
    token = await login_token(cast, cast.susan)
    programs = [Program(app, token), Program(other, token)]
    answers = await asyncio.gather(*(send(programs[n % 2]) for n in range(50)))
    assert {answer.status for answer in answers} == {201}
    assert {json.dumps(answer.json) for answer in answers} == {json.dumps(answers[0].json)}
    assert len({answer.headers["location"] for answer in answers}) == 1
    replayed = ["idempotency-replayed" in answer.headers for answer in answers]
    assert sorted(replayed) == [False] + [True] * 49
    assert await count(cast) == 1
    # With a key each they are fifty, and what one does no other waits for.
    await asyncio.gather(*(send(programs[n % 2], key=f"key-{n}") for n in range(50)))
    assert await count(cast) == 51


@on_postgresql
async def test_waiting_ends(
    cast: Cast, susan: Program, other: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has waited too long for the first is told when to ask again."""
    monkeypatch.setattr(answers, "WAIT_SECONDS", 0.2)
    begun, go_on = asyncio.Event(), asyncio.Event()
    spend = limiting.spend_write

    async def dawdle(actor: Any) -> None:
        begun.set()
        await go_on.wait()
        await spend(actor)

    monkeypatch.setattr(limiting, "spend_write", dawdle)
    first = asyncio.create_task(send(susan))
    await begun.wait()
    waiting = await send(Program(other, susan.token))
    assert waiting.status == 409
    assert int(waiting.headers["retry-after"]) >= 1
    go_on.set()
    answer = await first
    assert answer.status == 201
    assert (await send(Program(other, susan.token))).json == answer.json


async def test_kept_for_a_day(cast: Cast, susan: Program) -> None:
    """Then the key is free, swept already or not; sweeping takes no other; accounts take theirs."""
    first = await send(susan)
    await send(susan, key="younger")
    for hours, again in ((23.9, True), (24.1, False)):
        async with cast.resources.database.begin() as session:
            aged = utc_now() - timedelta(hours=hours)
            await session.execute(update(Answer).where(Answer.key == KEY).values(created_at=aged))
        answer = await send(susan, POST if again else {"body": "another"})
        assert (answer.json == first.json) is again
        assert ("idempotency-replayed" in answer.headers) is again
    async with cast.resources.database.begin() as session:
        old = utc_now() - answers.KEPT - timedelta(minutes=1)
        await session.execute(update(Answer).where(Answer.key == KEY).values(created_at=old))
        await answers.sweep(session)
        assert list(await session.scalars(select(Answer.key))) == ["younger"]
        await session.execute(delete(User).where(User.id == cast.susan.id))
    assert await count(cast, Answer) == 0


async def test_it_is_described(susan: Program, anybody: Program) -> None:
    """At each creation by somebody with a token, with its 409; and only there."""
    repeatable = set()
    for path, methods in susan.described["paths"].items():
        for method, operation in methods.items():
            names = {parameter["name"] for parameter in operation.get("parameters", ())}
            if "Idempotency-Key" in names:
                repeatable.add((method, path))
                assert "Retry-After" in operation["responses"]["409"]["headers"]
                created = operation["responses"].get("201") or operation["responses"]["202"]
                assert {"Location", "Idempotency-Replayed"} <= set(created["headers"])
    assert {("post", "/api/posts"), ("post", "/api/messages"), ("post", "/api/exports")} == (
        repeatable
    )
    # Nobody's key is no key.
    new = {"username": "new", "email": "new@example.com", "password": "a good password"}
    headers = {"Idempotency-Key": KEY}
    statuses = [(await anybody.post("/api/users", json=new, headers=headers)).status for _ in "12"]
    assert statuses == [201, 400]
