"""What a program's person is told: the list that pages have."""

import asyncio
from urllib.parse import quote

import pytest
from quart import Quart

from tests.cast import Cast
from tests.test_statements import counted
from tests.web.api.programs import Program, login_token, personal_token
from tests.web.main.test_exports import waiting  # noqa: F401 (a fixture)
from tests.web.main.test_notifications import ask, tell

NONSENSE = ("", "soon", "nan", "-1e400", "0x1", "1;2", "９")


async def test_the_list_of_the_page(cast: Cast, susan: Program) -> None:
    """NOT-04 to NOT-06, API-08: what, in which order, after when, as the page route has it."""
    assert (await susan.get("/api/notifications")).json == []
    for name, data in (("a", 1), ("b", "two"), ("c", [3]), ("d", {"four": 4.5}), ("e", None)):
        await tell(cast, cast.susan, name, data)
    found = await ask(cast.susan)
    assert (await susan.get("/api/notifications")).json == found
    assert [word["data"] for word in found] == [1, "two", [3], {"four": 4.5}, None]
    for number, word in enumerate(found):
        answer = await susan.get(f"/api/notifications?since={word['timestamp']!r}")
        assert answer.json == found[number + 1 :]
    for nonsense in NONSENSE:
        answer = await susan.get(f"/api/notifications?since={quote(nonsense)}")
        assert answer.json == found, nonsense
    assert (await susan.get("/api/notifications?since=1e400")).json == []
    for query in ("user_id=1", "since=1&since=2", "since[]=1"):
        assert (await susan.get(f"/api/notifications?{query}")).status == 400


async def test_ones_own_only_and_no_words(cast: Cast, app: Quart, susan: Program) -> None:
    """NOT-07, MSG-09: a token that may only read hears how many, and not what."""
    await cast.write(cast.john, cast.susan, "strictly between us")
    reader = Program(app, await personal_token(cast, cast.susan, "read"))
    (word,) = (await reader.get("/api/notifications")).json
    assert (word["name"], word["data"]) == ("unread_message_count", 1)
    assert (await susan.get("/api/notifications")).json == [word]
    writer = Program(app, await personal_token(cast, cast.susan, "write", "messages"))
    assert (await writer.get("/api/notifications")).status == 403
    john = Program(app, await login_token(cast, cast.john))
    assert (await john.get("/api/notifications")).json == []


async def test_what_the_list_costs(cast: Cast, susan: Program) -> None:
    """The same for one word and for many."""
    costs = []
    cast.resources.memory.is_on = False
    for number in range(31):
        await tell(cast, cast.susan, f"word {number}", number)
        if number in (0, 30):
            await susan.get("/api/notifications")
            await asyncio.gather(*cast.resources._noting.values())
            with counted(cast) as statements:
                assert len((await susan.get("/api/notifications")).json) == number + 1
            costs.append([s for s in statements if "rate" not in s])
    assert len(costs[0]) == len(costs[1]) <= 5, costs


@pytest.mark.usefixtures("waiting")
async def test_asking_again(cast: Cast, susan: Program) -> None:
    """JOB-07: how far a task is; and a program that polls is told briefly that nothing is new."""
    promised = await susan.post("/api/exports")
    first = await susan.get("/api/notifications")
    (word,) = first.json
    assert word["name"] == "task_progress"
    assert word["data"]["task_id"] == promised.json["id"]
    assert (word["data"]["state"], word["data"]["progress"]) == ("waiting", 0)
    known = {"If-None-Match": first.headers["etag"]}
    assert (await susan.get("/api/notifications", headers=known)).status == 304
    await susan.delete(promised.headers["location"])
    changed = await susan.get("/api/notifications", headers=known)
    assert changed.json[0]["data"]["state"] == "cancelled"
