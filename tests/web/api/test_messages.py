"""Private messages for programs: between the two of them, and nobody else."""

import asyncio
import re
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import func, insert, select

from microblog.domain import notifications
from microblog.models import Message
from tests.cast import Cast, Person
from tests.test_statements import counted
from tests.web.api.programs import Program, login_token, personal_token
from tests.web.auth import records
from tests.web.reading import badge

HELLO = {"recipient": "john", "body": "hello"}


def said(page: dict[str, Any]) -> list[str]:
    return [item["body"] for item in page["items"]]


async def badge_of(person: Person) -> int:
    return badge(await person.browser.text("/explore"))[0]


async def stored(cast: Cast) -> int:
    async with cast.resources.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Message)) or 0


# Sending


async def test_sending(cast: Cast, app: Quart, susan: Program) -> None:
    """MSG-05, NOT-10: 201, its address, and the other one has it."""
    answer = await susan.post(
        "/api/messages", json={"recipient": "JOHN", "body": " e\u0301té\r\n2 "}
    )
    assert answer.status == 201
    sent = answer.json
    assert answer.headers["location"] == sent["_links"]["self"] == f"/api/messages/{sent['id']}"
    assert (sent["body"], sent["read_at"]) == ("été\n2", None)
    assert (sent["author"]["username"], sent["recipient"]["username"]) == ("susan", "john")
    assert sent["recipient"]["_links"]["self"] == f"/api/users/{cast.john.id}"
    assert sent["_links"]["page"] == "/messages/john"
    assert "@" not in str(sent)
    assert (await susan.get(answer.headers["location"])).json == sent
    john = Program(app, await login_token(cast, cast.john))
    (received,) = (await john.get("/api/messages")).json["items"]
    assert received["_links"]["page"] == "/messages/susan"
    assert {k: v for k, v in received.items() if k != "_links"} == {
        k: v for k, v in sent.items() if k != "_links"
    }
    assert await badge_of(cast.john) == 1


async def test_what_is_not_sent(cast: Cast, susan: Program) -> None:
    """MSG-04, MSG-15, T-34: the field is named, nothing is stored, nobody is told."""
    assert (await susan.post("/api/messages", json={**HELLO, "recipient": "no-one"})).status == 404
    oneself = await susan.post("/api/messages", json={**HELLO, "recipient": "Susan"})
    assert (oneself.status, oneself.json["detail"]) == (400, "You cannot write to yourself.")
    odd: list[tuple[str, Any]] = [("body", body) for body in ("", " \n", "x" * 2001, "a\x00", 1)]
    odd += [("body", None), ("recipient", 1), ("recipient", ["john"])]
    for name, value in odd:
        answer = await susan.post("/api/messages", json={**HELLO, name: value})
        assert answer.status == 400, (name, value)
        assert answer.json["errors"][0]["field"] == name
    for body in ({}, {"body": "x"}, {"recipient": "john"}, {**HELLO, "sender_id": 1}, []):
        assert (await susan.post("/api/messages", json=body)).status == 400
    assert (await susan.post("/api/messages", form=HELLO)).status == 415
    assert await stored(cast) == 0
    assert await badge_of(cast.john) == 0
    assert (await susan.post("/api/messages", json={**HELLO, "body": "x" * 2000})).status == 201


async def test_sent_again_with_its_key(cast: Cast, susan: Program) -> None:
    """One message, however often; another one under the key is a conflict."""
    key = {"Idempotency-Key": "once"}
    answers = await asyncio.gather(
        *(susan.post("/api/messages", json=HELLO, headers=key) for _ in range(5))
    )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    other = await susan.post("/api/messages", json={**HELLO, "body": "else"}, headers=key)
    assert other.status == 409
    assert await stored(cast) == 1
    assert await badge_of(cast.john) == 1


async def test_as_many_as_one_may_send(
    cast: Cast, susan: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-18: one allowance for pages and programs; what is refused costs none of it."""
    limits = cast.resources.settings.limits
    monkeypatch.setitem(limits.__dict__, "scale", 1.0)
    monkeypatch.setitem(limits.__dict__, "messages_per_minute", 2)
    for _ in range(3):
        assert (await susan.post("/api/messages", json={**HELLO, "body": ""})).status == 400
    page = await cast.susan.browser.submit("/send_message/john", message="by hand")
    assert page.status_code == 302
    assert (await susan.post("/api/messages", json=HELLO)).status == 201
    refused = await susan.post("/api/messages", json=HELLO)
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert await stored(cast) == 2


# Lists


async def test_the_list_by_cursor(cast: Cast, susan: Program) -> None:
    """MSG-07, MSG-08, MSG-13: each once, newest first, while others write; `Link` says the way."""
    for number in range(7):
        await cast.write(cast.john if number % 2 else cast.mary, cast.susan, f"number {number}")
    await cast.write(cast.susan, cast.john, "sent by me")
    page = await susan.get("/api/messages?limit=3")
    newest, seen = page.json["_links"]["prev"], said(page.json)
    while way := page.json["_links"]["next"]:
        assert f'<{way}>; rel="next"' in page.headers["link"]
        await cast.write(cast.mary, cast.susan, "late")
        page = await susan.get(way)
        seen += said(page.json)
    assert seen == [f"number {number}" for number in range(6, -1, -1)]
    # What has come meanwhile, and nothing that was there: the nearest first.
    news = await susan.get(newest)
    assert said(news.json) == ["late", "late"]
    nothing = await susan.get(news.json["_links"]["prev"])
    assert said(nothing.json) == []
    assert said((await susan.get(nothing.json["_links"]["next"])).json)[:3] == ["late"] * 2 + [
        "number 6"
    ]
    for query in (
        "limit=0",
        "limit=101",
        "before=x",
        "after=0",
        "before=1&after=1",
        "with=",
        "box=sent",
    ):
        assert (await susan.get(f"/api/messages?{query}")).status == 400, query


async def test_a_conversation(cast: Cast, app: Quart, susan: Program) -> None:
    """Both sides, in order; the links keep to it. When john has read what he got is his business."""
    await cast.write(cast.mary, cast.susan, "not this")
    for number in range(4):
        pair = (cast.susan, cast.john) if number % 2 else (cast.john, cast.susan)
        await cast.write(*pair, f"number {number}")
    await cast.john.browser.text("/messages")
    await cast.susan.browser.text("/messages")
    page = await susan.get("/api/messages?with=John&limit=3")
    assert said(page.json) == ["number 3", "number 2", "number 1"]
    assert [item["read_at"] is None for item in page.json["items"]] == [True, False, True]
    way = page.json["_links"]["next"]
    assert re.fullmatch(r"/api/messages\?with=John&limit=3&before=\d+|.*limit=3&with=John.*", way)
    assert said((await susan.get(way)).json) == ["number 0"]
    john = Program(app, await login_token(cast, cast.john))
    assert said((await john.get("/api/messages?with=susan")).json) == [*said(page.json), "number 0"]
    assert said((await susan.get("/api/messages?with=david")).json) == []
    assert said((await susan.get("/api/messages?with=susan")).json) == []
    assert (await susan.get("/api/messages?with=no-one")).status == 404


async def test_what_a_list_costs(cast: Cast, susan: Program) -> None:
    """The same for 1 and for 100 messages: who asks (unless remembered), with whom, the part."""
    cast.resources.memory.is_on = False

    async def cost(query: str, number: int) -> int:
        with counted(cast) as statements:
            page = (await susan.get(f"/api/messages?limit=100{query}")).json
        assert len(page["items"]) == number
        told = [s for s in statements if "rate" not in s and not s.startswith("BEGIN")]
        return len(told)

    await cast.write(cast.john, cast.susan, "one")
    # The first use of a token is written down, once a minute.
    await susan.get("/api/messages")
    await asyncio.gather(*cast.resources._noting.values())
    few = [await cost(query, 1) for query in ("", "&with=john")]
    async with cast.resources.database.begin() as session:
        row = {"sender_id": cast.john.id, "recipient_id": cast.susan.id, "body": "more"}
        await session.execute(insert(Message), [row] * 110)
    assert [await cost(query, 100) for query in ("", "&with=john")] == few == [2, 3]


# Reading


async def test_reading_is_said_and_not_guessed(cast: Cast, susan: Program) -> None:
    """NOT-09, MSG-10: a program that polls leaves the badge alone, until it says otherwise."""
    first = await cast.write(cast.john, cast.susan, "by john")
    await cast.write(cast.mary, cast.susan, "by mary")
    for path in ("/api/messages", "/api/messages?with=john", f"/api/messages/{first}"):
        assert (await susan.get(path)).status == 200
    assert await badge_of(cast.susan) == 2
    assert (await susan.post("/api/messages/read", json={"with": "no-one"})).status == 404
    for body in ({"with": 1}, {"with": None}, {"with": ""}, {"all": True}, {"with_": "john"}, []):
        assert (await susan.post("/api/messages/read", json=body)).status == 400, body
    assert await badge_of(cast.susan) == 2
    assert (await susan.post("/api/messages/read", json={"with": "John"})).status == 204
    assert await badge_of(cast.susan) == 1
    assert (await susan.get(f"/api/messages/{first}")).json["read_at"].endswith("Z")
    assert (await susan.post("/api/messages/read")).status == 204
    assert await badge_of(cast.susan) == 0
    (word,) = (await susan.get("/api/notifications")).json
    assert (word["name"], word["data"]) == (notifications.UNREAD_MESSAGES, 0)
    # Again, and nothing new is told.
    assert (await susan.post("/api/messages/read")).status == 204
    assert (await susan.get("/api/notifications")).json == [word]
    await cast.write(cast.john, cast.susan, "another")
    assert (await susan.post("/api/messages/read", json={})).status == 204
    assert await badge_of(cast.susan) == 0


# Whose they are


async def test_nobody_elses(cast: Cast, app: Quart, anybody: Program) -> None:
    """MSG-09, MSG-14, L10: absent, foreign and taken away are one answer."""
    number = await cast.write(cast.susan, cast.john, "strictly between us")
    mary = Program(app, await login_token(cast, cast.mary))
    for method in ("GET", "DELETE"):
        told = [
            (answer.status, answer.json["detail"])
            for path in (number, 4711)
            for answer in [await mary.call(method, f"/api/messages/{path}")]
        ]
        assert told == [(404, "File Not Found")] * 2
        assert (await anybody.call(method, f"/api/messages/{number}")).status == 401
    for query in ("", f"?before={number + 1}", "?after=1", "?with=susan", "?with=john"):
        assert (await mary.get(f"/api/messages{query}")).json["items"] == []
    assert (await mary.post("/api/messages/read", json={"with": "susan"})).status == 204
    assert await badge_of(cast.john) == 1
    for scopes in (("read",), ("write",), ("read", "write")):
        program = Program(app, await personal_token(cast, cast.john, *scopes))
        for method, path in (
            ("GET", "/api/messages"),
            ("GET", f"/api/messages/{number}"),
            ("DELETE", f"/api/messages/{number}"),
            ("POST", "/api/messages"),
            ("POST", "/api/messages/read"),
        ):
            assert (await program.call(method, path, json={})).status == 403, (scopes, path)
    enough = Program(app, await personal_token(cast, cast.john, "messages"))
    assert said((await enough.get("/api/messages")).json) == ["strictly between us"]


async def test_taking_away_from_ones_side(cast: Cast, app: Quart, susan: Program) -> None:
    """MSG-14: each side for itself; gone for good when neither keeps it."""
    number = await cast.write(cast.john, cast.susan, "hello")
    path = f"/api/messages/{number}"
    john = Program(app, await login_token(cast, cast.john))
    assert await badge_of(cast.susan) == 1
    assert (await susan.delete(path)).status == 204
    assert await badge_of(cast.susan) == 0
    for method in ("GET", "DELETE"):
        assert (await susan.call(method, path)).status == 404
    assert (await susan.get("/api/messages")).json["items"] == []
    assert (await john.get(path)).json["body"] == "hello"
    assert (await john.delete(path)).status == 204
    assert await stored(cast) == 0


@pytest.mark.usefixtures("confirmation_required")
async def test_until_the_address_is_confirmed(cast: Cast, app: Quart) -> None:
    """`require`: what has come may be read; nothing is written."""
    number = await cast.write(cast.john, cast.susan, "hello")
    await records.change(cast, cast.susan, confirmed_at=None)
    susan = Program(app, await login_token(cast, cast.susan))
    assert said((await susan.get("/api/messages")).json) == ["hello"]
    assert (await susan.post("/api/messages", json=HELLO)).status == 403
    assert (await susan.delete(f"/api/messages/{number}")).status == 403
    assert await stored(cast) == 1
