"""People: one, all, followers and followed, a new one, changes."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
from quart import Quart
from sqlalchemy import func, select

from microblog.domain import tasks
from microblog.models import Task, User
from tests.cast import PASSWORD, Browser, Cast, enrol
from tests.test_statements import authors, counted
from tests.web.api.programs import Program, login_token, names, personal_token
from tests.web.auth import records
from tests.web.reading import leads_to

NEW: dict[str, Any] = {
    "username": "newcomer",
    "email": "newcomer@example.com",
    "password": "a good password",
}
KEYS = {
    "id",
    "username",
    "last_seen",
    "about_me",
    "post_count",
    "follower_count",
    "following_count",
    "followed_count",
    "_links",
}


async def test_a_person(cast: Cast, susan: Program) -> None:
    """API-09, API-10, API-11, API-12, API-13."""
    await cast.publish(cast.john, "one")
    await cast.publish(cast.john, "two")
    for other in (cast.susan, cast.mary, cast.david):
        await cast.follow(other, cast.john)
    await cast.follow(cast.john, cast.mary)
    john = (await susan.get(f"/api/users/{cast.john.id}")).json
    assert set(john) == KEYS
    assert john["last_seen"].endswith("Z")
    counts = ("post_count", "follower_count", "following_count", "followed_count")
    assert [john[name] for name in counts] == [2, 3, 1, 1]
    path = f"/api/users/{cast.john.id}"
    assert john["_links"] == {
        "self": path,
        "followers": f"{path}/followers",
        "following": f"{path}/following",
        "followed": f"{path}/followed",
        "avatar": f"/avatar/{cast.john.id}?size=128",
    }
    for name, link in john["_links"].items():
        response = await susan.client.get(link, headers={"Authorization": f"Bearer {susan.token}"})
        assert response.status_code == 200, name
    own = (await susan.get(f"/api/users/{cast.susan.id}")).json
    assert set(own) == KEYS | {"email"}
    assert own["email"] == "susan@example.com"


async def test_last_seen_of_somebody_who_never_came(cast: Cast, susan: Program) -> None:
    """API-11: when the account was opened."""
    await records.change(cast, cast.john, last_seen_at=None)
    created = (await records.user(cast, cast.john)).created_at
    told = (await susan.get(f"/api/users/{cast.john.id}")).json["last_seen"]
    assert told == created.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_nobody(susan: Program) -> None:
    """API-14, API-32, T-44: unknown, out of range, no number."""
    ids = ["99", "0", "-1", "2147483647", "2147483648", str(2**63), "9" * 400, "1e9", "１", "0x1"]
    ids += ["1_0", "1.0", "true", "susan", " ", "1/"]
    for one in ids:
        for path in (f"/api/users/{quote(one)}", f"/api/users/{quote(one)}/followers"):
            assert (await susan.get(path)).status == 404, path
    for name in ("followers", "following", "followed"):
        assert (await susan.get(f"/api/users/99/{name}")).status == 404


async def test_pages_of_people(cast: Cast, susan: Program) -> None:
    """API-15, API-16, API-17, API-18: each person once, in a stable order."""
    for number in range(21):
        await enrol(cast.resources, f"person{number:02}", "no password")
    first = (await susan.get("/api/users")).json
    assert first["_meta"] == {"page": 1, "per_page": 10, "total_pages": 3, "total_items": 25}
    assert first["_links"] == {
        "self": "/api/users?page=1&per_page=10",
        "next": "/api/users?page=2&per_page=10",
        "prev": None,
    }
    assert [("email" in item) for item in first["items"]] == [True] + [False] * 9
    seen, following = [], "/api/users?per_page=7"
    while following:
        page = (await susan.get(following)).json
        seen += names(page["items"])
        following = page["_links"]["next"]
        assert not following or "per_page=7" in following
    assert len(seen) == len(set(seen)) == 25
    assert page["_links"]["prev"] == "/api/users?page=3&per_page=7"
    capped = (await susan.get("/api/users?per_page=500")).json
    assert capped["_meta"] == {"page": 1, "per_page": 100, "total_pages": 1, "total_items": 25}
    assert capped["_links"]["self"] == "/api/users?page=1&per_page=100"
    for far in (4, 40_001, 2147483647):
        past = (await susan.get(f"/api/users?page={far}")).json
        assert past["items"] == []
        assert past["_links"]["next"] is None
        assert past["_links"]["prev"] == "/api/users?page=3&per_page=10"


async def test_odd_pages(susan: Program) -> None:
    """API-19, T-44, T-53: refused, and the field is named."""
    odd = ["0", "-1", "x", "", "1e1", "１", "0x1", "1_0", "1.0", "+1", " 1", "true", "9" * 400]
    for name in ("page", "per_page"):
        for value in [*odd, str(2**31), f"1&{name}=2"]:
            answer = await susan.get(f"/api/users?{name}={quote(value, safe='&=[]')}")
            assert answer.status == 400, (name, value)
            assert answer.json["errors"][0]["field"].startswith(name)
    for query in ("nonsense=1", "page[]=1", "token=x"):
        assert (await susan.get(f"/api/users?{query}")).status == 400
    assert (await susan.get("/api/users/1?page=1")).status == 400


async def test_followers_and_followed(cast: Cast, susan: Program) -> None:
    """API-20: by either name."""
    await cast.follow(cast.john, cast.mary)
    await cast.follow(cast.david, cast.mary)
    await cast.follow(cast.mary, cast.susan)
    path = f"/api/users/{cast.mary.id}"
    followers = (await susan.get(f"{path}/followers")).json
    assert names(followers["items"]) == ["john", "david"]
    assert followers["_meta"]["total_items"] == 2
    for name in ("following", "followed"):
        page = (await susan.get(f"{path}/{name}?per_page=1")).json
        assert names(page["items"]) == ["susan"]
        assert page["items"][0]["email"] == "susan@example.com"
        assert page["_links"]["self"] == f"{path}/{name}?page=1&per_page=1"
    nobody = (await susan.get(f"/api/users/{cast.john.id}/followers")).json
    assert nobody["items"] == []
    assert nobody["_meta"]["total_pages"] == 0


async def test_what_a_list_costs(cast: Cast, susan: Program) -> None:
    """The same for 1 and for 100 people: who asks (unless remembered), how many, the page."""
    cast.resources.memory.is_on = False

    async def cost(path: str) -> int:
        with counted(cast) as statements:
            page = (await susan.get(path)).json
        told = [s for s in statements if "rate" not in s and not s.startswith("BEGIN")]
        assert len(page["items"]) == min(page["_meta"]["total_items"], 100)
        return len(told)

    paths = [
        f"/api/users/{cast.susan.id}/{name}?per_page=100" for name in ("followers", "followed")
    ]
    paths.append("/api/users?per_page=100")
    await authors(cast, 1)
    # The first use of a token is written down, once a minute.
    await susan.get("/api/users")
    await asyncio.gather(*cast.resources._noting.values())
    few = [await cost(path) for path in paths]
    async with cast.resources.database.begin() as session:
        session.add_all(
            User(username=f"crowd{n}", email=f"crowd{n}@example.com") for n in range(110)
        )
        await session.flush()
    await authors_of_all(cast)
    assert [await cost(path) for path in paths] == few == [3, 3, 3]


async def authors_of_all(cast: Cast) -> None:
    """Everybody follows susan, and she follows everybody."""
    async with cast.resources.database.begin() as session:
        table = User.metadata.tables["followers"]
        known = set((await session.execute(select(table.c.follower_id))).scalars())
        ids = set(await session.scalars(select(User.id).where(User.id != cast.susan.id))) - known
        now = User.__table__.c.created_at
        moment = await session.scalar(select(now).limit(1))
        rows = [(i, cast.susan.id) for i in ids] + [(cast.susan.id, i) for i in ids]
        await session.execute(
            table.insert(),
            [{"follower_id": a, "followed_id": b, "created_at": moment} for a, b in rows],
        )


# A new one


async def test_opening_an_account(cast: Cast, anybody: Program, app: Quart) -> None:
    """API-21: no token needed; login works, for pages and for programs."""
    answer = await anybody.post("/api/users", json=NEW, headers={"Accept-Language": "es,en;q=0.5"})
    assert answer.status == 201
    assert answer.headers["location"] == f"/api/users/{answer.json['id']}"
    assert set(answer.json) == KEYS
    assert await records.letters(cast) == [("confirm_address", "newcomer@example.com", "es")]
    assert leads_to(await Browser(app).log_in("newcomer", "a good password")) == "/index"
    told = await anybody.post("/api/tokens", auth=("newcomer", "a good password"))
    newcomer = Program(app, told.json["token"])
    assert (await newcomer.get(answer.headers["location"])).json["email"] == NEW["email"]


MISSING = "must include username, email and password fields"


async def test_something_is_missing(cast: Cast, anybody: Program) -> None:
    """API-22: a member, all of them, the body, its type."""
    bodies: list[dict[str, Any]] = [{}, {"json": {}}, {"data": "{}"}, {"form": NEW}]
    bodies += [{"json": {k: v for k, v in NEW.items() if k != name}} for name in NEW]
    bodies += [
        {"data": json.dumps(NEW), "headers": {"Content-Type": "text/plain"}},
        {"data": "", "headers": {"Content-Type": "application/json"}},
    ]
    for body in bodies:
        answer = await anybody.post("/api/users", **body)
        assert answer.status == 400, body
        assert answer.json["error"] == "Bad Request"
        assert answer.json["message"] == MISSING
    async with cast.resources.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 4


async def test_taken(cast: Cast, anybody: Program) -> None:
    """API-23, API-24: whatever the case; a reserved word is taken, too."""
    for name in ("susan", "SUSAN", "admin"):
        answer = await anybody.post("/api/users", json={**NEW, "username": name})
        assert answer.status == 400
        assert answer.json["message"] == "please use a different username"
        assert answer.json["errors"][0]["field"] == "username"
    for email in ("susan@example.com", "Susan@Example.com"):
        answer = await anybody.post("/api/users", json={**NEW, "email": email})
        assert answer.status == 400
        assert answer.json["message"] == "please use a different email address"
    assert await records.letters(cast) == []


ODD: list[tuple[str, Any]] = [
    ("username", ""),
    ("username", "x" * 65),
    ("username", "a b"),
    ("username", "a\x00b"),
    ("username", "\ud800"),
    ("username", 1),
    ("username", None),
    ("username", True),
    ("username", ["susan"]),
    ("username", {"a": 1}),
    ("email", ""),
    ("email", "nobody"),
    ("email", "x" * 110 + "@example.com"),
    ("email", "a\x00@example.com"),
    ("email", 1.5),
    ("password", "short"),
    ("password", "newcomer"),
    ("password", "x" * 1025),
    ("password", 12345678),
]


async def test_odd_values(cast: Cast, anybody: Program) -> None:
    """API-25, T-34, T-43, T-53: 400, the field is named, and the value is not told again."""
    for name, value in ODD:
        answer = await anybody.post("/api/users", json={**NEW, name: value})
        assert answer.status == 400, (name, value)
        assert answer.json["errors"][0]["field"] == name
        if isinstance(value, str) and len(value) > 9:
            assert value not in str(answer.json)
    for raw in ("{", "[]", '"x"', "null", "1", "[1, 2]", "NaN", '{"username": 1e999}', "{'a': 1}"):
        answer = await anybody.post(
            "/api/users", data=raw, headers={"Content-Type": "application/json"}
        )
        assert answer.status == 400, raw
    for extra in (
        "id",
        "is_admin",
        "password_hash",
        "confirmed_at",
        "token",
        "a\ud800b",
        "x" * 999,
    ):
        answer = await anybody.post("/api/users", json={**NEW, extra: 1})
        assert answer.status == 400, extra
    async with cast.resources.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 4


async def test_many_at_once(cast: Cast, anybody: Program) -> None:
    """API-26: one gets the name, the others are told."""
    cast.resources.hasher.hash = lambda password: asyncio.sleep(0, "a hash")  # type: ignore[method-assign]
    answers = await asyncio.gather(
        *(
            anybody.post("/api/users", json={**NEW, "email": f"new{n}@example.com"})
            for n in range(50)
        )
    )
    assert sorted(answer.status for answer in answers) == [201] + [400] * 49
    told = {answer.json["message"] for answer in answers if answer.status == 400}
    assert told == {"please use a different username"}
    async with cast.resources.database.reading() as session:
        promised = select(func.count()).where(Task.name == tasks.SEND_LETTER)
        assert await session.scalar(promised) == 1


@pytest.mark.usefixtures("closed_registration")
async def test_where_nobody_may_come_in(anybody: Program) -> None:
    await assert_closed(anybody)


@pytest.mark.usefixtures("by_invitation")
async def test_where_an_invitation_is_needed(anybody: Program) -> None:
    """It is a link for people."""
    await assert_closed(anybody)


async def assert_closed(program: Program) -> None:
    answer = await program.post("/api/users", json=NEW)
    assert answer.status == 403
    assert answer.json["message"] == "Registration is closed."


@pytest.mark.usefixtures("usual_limits")
async def test_five_accounts_from_an_address(anybody: Program) -> None:
    """T-18: the page's allowance."""
    statuses = [
        (
            await anybody.post(
                "/api/users", json={**NEW, "username": f"n{n}", "email": f"n{n}@example.com"}
            )
        ).status
        for n in range(7)
    ]
    assert statuses == [201] * 5 + [429] * 2


# Changes


async def test_changing_oneself(cast: Cast, susan: Program) -> None:
    """API-27, API-29: what is left out stays; the same again is no conflict."""
    path = f"/api/users/{cast.susan.id}"
    first = await susan.put(path, json={"about_me": "  e\u0301tudes\r\nand more "})
    assert first.status == 200
    assert first.json["about_me"] == "études\nand more"
    assert first.json["username"] == "susan"
    second = await susan.put(path, json={"username": "Susan", "display_name": "Sue"})
    assert second.json["username"] == "Susan"
    assert second.json["about_me"] == "études\nand more"
    again = {"username": "Susan", "email": "SUSAN@example.com", "about_me": first.json["about_me"]}
    assert (await susan.put(path, json=again)).json == second.json
    assert (await susan.put(path, json={})).json == second.json
    assert (await susan.get(path)).json == second.json
    assert (await records.user(cast, cast.susan)).display_name == "Sue"
    assert await records.letters(cast) == []


async def test_changing_somebody_else(cast: Cast, susan: Program) -> None:
    """API-28: whatever the body, and whether or not there is anybody."""
    before = await records.everything(cast)
    for user_id in (cast.john.id, 99):
        for body in ({"about_me": "x"}, {"username": 1}, []):
            answer = await susan.put(f"/api/users/{user_id}", json=body)
            assert answer.status == 403
            assert answer.json["error"] == "Forbidden"
    assert (await susan.put(f"/api/users/{cast.john.id}", data="{")).status == 403
    after = await records.everything(cast)
    assert [line for line in after.splitlines() if "john" in line] == [
        line for line in before.splitlines() if "john" in line
    ]


async def test_changing_to_what_is_taken_or_odd(cast: Cast, susan: Program) -> None:
    """API-30, API-25: nothing is changed, not even the rest."""
    path = f"/api/users/{cast.susan.id}"
    for body, words in (
        ({"username": "JOHN"}, "please use a different username"),
        ({"email": "John@example.com"}, "please use a different email address"),
        ({"username": "root"}, "please use a different username"),
    ):
        answer = await susan.put(path, json={"about_me": "changed", **body})
        assert (answer.status, answer.json["message"]) == (400, words)
        assert answer.json["errors"] == [{"field": next(iter(body)), "message": words}]
    for name, value in [*ODD, ("about_me", "x" * 501), ("about_me", 1), ("about_me", None)]:
        if name != "password":
            answer = await susan.put(path, json={name: value})
            assert answer.status == 400, (name, value)
            assert answer.json["errors"][0]["field"] == name
    for data in ("{", "[]", "null"):
        headers = {"Content-Type": "application/json"}
        assert (await susan.put(path, data=data, headers=headers)).status == 400
    assert (await susan.put(path, data="{}")).status == 415
    assert (await susan.get(path)).json["about_me"] == ""


async def test_what_a_change_does_not_take(cast: Cast, susan: Program, anybody: Program) -> None:
    """API-31, T-34: passed over."""
    body = {"password": "another password", "id": 99, "is_admin": True, "follower_count": 7}
    answer = await susan.put(f"/api/users/{cast.susan.id}", json=body)
    assert answer.status == 200
    assert answer.json["id"] == cast.susan.id
    assert answer.json["follower_count"] == 0
    for password, status in ((PASSWORD, 200), ("another password", 401)):
        told = await anybody.post("/api/tokens", auth=("susan", password))
        assert told.status == status


async def test_another_address(cast: Cast, susan: Program) -> None:
    """API-27: a letter goes to the new address first, as on the page."""
    answer = await susan.put(f"/api/users/{cast.susan.id}", json={"email": "new@example.com"})
    assert answer.json["email"] == "susan@example.com"
    assert await records.letters(cast) == [("confirm_new_address", "new@example.com", "en")]
    link = f"/auth/confirm/{await records.token(cast, 'change_address')}"
    await cast.susan.browser.submit(link)
    assert (await susan.get(f"/api/users/{cast.susan.id}")).json["email"] == "new@example.com"


@pytest.mark.usefixtures("confirmation_off")
async def test_another_address_at_once(cast: Cast, app: Quart) -> None:
    """API-27, where addresses are not confirmed: the old one hears of it."""
    path = f"/api/users/{cast.susan.id}"
    personal = Program(app, await personal_token(cast, cast.susan, "read", "write"))
    assert (await personal.put(path, json={"email": "new@example.com"})).status == 403
    susan = Program(app, await login_token(cast, cast.susan))
    taken = await susan.put(path, json={"email": "john@example.com"})
    assert taken.json["message"] == "please use a different email address"
    answer = await susan.put(path, json={"email": "new@example.com", "about_me": "moved"})
    assert (answer.json["email"], answer.json["about_me"]) == ("new@example.com", "moved")
    assert await records.letters(cast) == [("address_changed", "susan@example.com", "en")]


@pytest.mark.usefixtures("confirmation_required")
async def test_until_the_address_is_confirmed(cast: Cast, app: Quart) -> None:
    """`require`: reading is free, and so is giving the token back; changes are refused."""
    await records.change(cast, cast.susan, confirmed_at=None)
    susan = Program(app, await login_token(cast, cast.susan))
    path = f"/api/users/{cast.susan.id}"
    assert (await susan.get(path)).status == 200
    assert (await susan.put(path, json={"about_me": "x"})).status == 403
    assert (await susan.delete("/api/tokens")).status == 204
