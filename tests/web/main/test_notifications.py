"""The list of what one is to be told, as scripts ask for it."""

import json
from typing import Any

from microblog.domain import notifications
from tests.cast import HTML, Cast, Person
from tests.test_statements import counted
from tests.web.reading import body, leads_to
from tests.web.test_presence import seen, set_back

SCRIPT = {"Accept": "application/json"}


async def ask(person: Person, query: str = "", **headers: str) -> list[dict[str, Any]]:
    answer = await person.browser.client.get(f"/notifications{query}", headers=SCRIPT | headers)
    assert answer.status_code == 200, query
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    found: list[dict[str, Any]] = json.loads(await body(answer))
    return found


async def tell(cast: Cast, person: Person, name: str, data: Any) -> None:
    async with cast.resources.database.begin() as session:
        await notifications.notify(session, person.id, name, data)


async def test_its_shape_and_order(cast: Cast) -> None:
    """NOT-04, NOT-05, NOT-06, NOT-19: exactly three members, strictly newer, ascending."""
    for name, data in (("a", 1), ("b", "two"), ("c", [3]), ("d", {"four": 4.5})):
        await tell(cast, cast.susan, name, data)
    found = await ask(cast.susan)
    assert [set(word) for word in found] == [{"name", "data", "timestamp"}] * 4
    assert [word["data"] for word in found] == [1, "two", [3], {"four": 4.5}]
    assert [word["timestamp"] for word in found] == sorted(word["timestamp"] for word in found)
    for number, word in enumerate(found):
        assert await ask(cast.susan, f"?since={word['timestamp']!r}") == found[number + 1 :]
    for nonsense in ("", "?since=", "?since=soon", "?since=nan", "?since=-1e400", "?since=0x1"):
        assert await ask(cast.susan, nonsense) == found
    assert await ask(cast.susan, "?since=1e400") == []


async def test_ones_own_only(cast: Cast) -> None:
    """NOT-07, NOT-08, NOT-09."""
    for number in range(3):
        await cast.write(cast.john, cast.susan, f"number {number}")
    assert [(w["name"], w["data"]) for w in await ask(cast.susan)] == [("unread_message_count", 3)]
    assert await ask(cast.john) == []
    assert await ask(cast.john, f"?since=0&user_id={cast.susan.id}") == []
    await cast.susan.browser.text("/messages")
    assert [(w["name"], w["data"]) for w in await ask(cast.susan)] == [("unread_message_count", 0)]


async def test_without_a_login(cast: Cast) -> None:
    """NOT-14: a script is told so; a browser is led to the login."""
    client = cast.stranger.client
    for headers in (SCRIPT, {"Accept": "*/*"}, {}):
        answer = await client.get("/notifications", headers=headers)
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"
    answer = await client.get("/notifications", headers=HTML)
    assert leads_to(answer).startswith("/auth/login")


async def test_asking_is_no_presence(cast: Cast) -> None:
    """NOT-20, latent fault 11: what open pages ask for by themselves does not keep anybody here."""
    before = await set_back(cast, minutes=30)
    with counted(cast) as statements:
        await ask(cast.susan)
    assert len(statements) == 2
    client = cast.susan.browser.client
    for path in ("/index", "/messages/john", "/user/john/popup"):
        await client.get(path, headers=HTML | {"Sec-Fetch-Dest": "empty"})
    assert await seen(cast) == before
    await client.get("/index", headers=HTML | {"Sec-Fetch-Dest": "document"})
    assert await seen(cast) > before


async def test_a_page_knows_what_was_said_before_it(cast: Cast) -> None:
    """So its script repeats nothing, and misses nothing."""
    await cast.write(cast.john, cast.susan, "hello")
    (word,) = await ask(cast.susan)
    page = await cast.susan.browser.text("/explore")
    assert f'<meta name="notified" content="{word["timestamp"]}">' in page
    assert await ask(cast.susan, f"?since={word['timestamp']}") == []
    await tell(cast, cast.susan, "anything", 1)
    assert len(await ask(cast.susan, f"?since={word['timestamp']}")) == 1
