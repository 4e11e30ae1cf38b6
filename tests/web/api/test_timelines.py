"""Lists of posts by cursor: which posts, in parts that neither skip nor repeat."""

import asyncio
import random
import re
from typing import Any

import pytest
from quart import Quart

from microblog.domain import follows, posts, settled, users
from microblog.domain.actors import Actor
from tests.cast import Cast, enrol
from tests.test_statements import counted
from tests.web.api.programs import Answer, Program

LISTS = ("/api/timeline", "/api/posts", "/api/users/1/posts")


def ids(answer: Answer) -> list[int]:
    assert answer.status == 200
    return [item["id"] for item in answer.json["items"]]


def check_links(answer: Answer) -> tuple[str | None, str | None]:
    """Older and newer: the same in the body and in the header."""
    links = answer.json["_links"]
    told = re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers.get("link", ""))
    assert {rel: address for address, rel in told} == {
        name: links[name] for name in ("next", "prev") if links[name]
    }
    return links["next"], links["prev"]


@pytest.fixture
async def path(cast: Cast, request: pytest.FixtureRequest) -> str:
    return str(request.param).replace("/1/", f"/{cast.susan.id}/")


on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
each_list = pytest.mark.parametrize("path", LISTS, indirect=True)


async def test_whose_posts(cast: Cast, susan: Program) -> None:
    """One's own and those of whom one reads; everybody's; one person's. Each newest first."""
    await cast.follow(cast.susan, cast.john)
    mine, johns, marys = [await cast.publish(p, "x") for p in (cast.susan, cast.john, cast.mary)]
    assert ids(await susan.get("/api/timeline")) == [johns, mine]
    assert ids(await susan.get("/api/posts")) == [marys, johns, mine]
    assert ids(await susan.get(f"/api/users/{cast.mary.id}/posts")) == [marys]
    assert ids(await susan.get(f"/api/users/{cast.david.id}/posts")) == []
    assert (await susan.get("/api/users/99/posts")).status == 404
    await cast.mary.browser.submit(f"/post/{marys}/edit", f"/post/{marys}/delete")
    assert ids(await susan.get("/api/posts")) == [johns, mine]


@each_list
async def test_parts(cast: Cast, susan: Program, path: str) -> None:
    """`before` is strictly older, `after` the nearest newer ones; 25 unless told."""
    assert check_links(await susan.get(path)) == (None, None)
    made = (await publish(cast, [cast.susan.actor] * 30))[::-1]
    assert ids(await susan.get(path)) == made[:25]
    assert ids(await susan.get(f"{path}?limit=100")) == made
    assert ids(await susan.get(f"{path}?limit=3&before={made[4]}")) == made[5:8]
    assert ids(await susan.get(f"{path}?limit=3&after={made[10]}")) == made[7:10]
    assert ids(await susan.get(f"{path}?before={made[-1]}")) == []
    assert ids(await susan.get(f"{path}?limit=2&before={made[0] + 999}")) == made[:2]
    assert ids(await susan.get(f"{path}?after={made[0] + 999}")) == []
    first = await susan.get(f"{path}?limit=10")
    assert first.json["_links"]["self"] == f"{path}?limit=10"
    assert check_links(first) == (
        f"{path}?limit=10&before={made[9]}",
        f"{path}?limit=10&after={made[0]}",
    )
    # There is more exactly where it is said.
    assert check_links(await susan.get(f"{path}?limit=29"))[0]
    assert check_links(await susan.get(f"{path}?limit=30"))[0] is None
    exact = await susan.get(f"{path}?limit=20&before={made[9]}")
    assert (ids(exact), check_links(exact)[0]) == (made[10:], None)
    bottom = await susan.get(f"{path}?limit=2&after={made[-1]}")
    assert check_links(bottom)[0] == f"{path}?limit=2&before={made[28]}"


@each_list
async def test_following_what_comes(cast: Cast, susan: Program, path: str) -> None:
    """A program that asks again by `prev` gets what is new, once; not the whole top."""
    made = [await cast.publish(cast.susan, f"{number}") for number in range(3)]
    newer = check_links(await susan.get(f"{path}?limit=2"))[1]
    seen: list[int] = []
    for number in (0, 1, 0, 5):
        fresh = [await cast.publish(cast.susan, f"{number}") for _ in range(number)]
        made += fresh
        for _ in range(4):
            assert newer
            answer = await susan.get(newer)
            seen += ids(answer)[::-1]
            older, newer = check_links(answer)
            assert older
            if ids(answer):
                assert ids(await susan.get(older))[0] == ids(answer)[-1] - 1
    assert seen == made[3:]


@each_list
async def test_beside_an_empty_part(cast: Cast, susan: Program, path: str) -> None:
    """Its links lead to what is on either side of its own cursor, and nothing is left out."""
    made = await publish(cast, [cast.susan.actor] * 3)
    top, bottom = made[-1], made[0]
    above = await susan.get(f"{path}?limit=2&after={top}")
    assert ids(above) == []
    assert check_links(above) == (
        f"{path}?limit=2&before={top + 1}",
        f"{path}?limit=2&after={top}",
    )
    assert ids(await susan.get(check_links(above)[0] or "")) == [top, made[1]]
    below = await susan.get(f"{path}?limit=2&before={bottom}")
    assert ids(below) == []
    newer = f"{path}?limit=2&after={bottom - 1}" if bottom > 1 else None
    assert check_links(below) == (None, newer)
    await susan.delete(f"/api/posts/{bottom}")
    (below,) = [await susan.get(f"{path}?limit=2&before={made[1]}")]
    assert ids(below) == []
    assert ids(await susan.get(check_links(below)[1] or "")) == [top, made[1]]
    last = check_links(await susan.get(f"{path}?after={2**31 - 1}"))[0]
    assert ids(await susan.get(last or "")) == [top, made[1]]


@each_list
async def test_nonsense(susan: Program, path: str) -> None:
    """T-44, T-53: a limit and a cursor are whole numbers in their range, and there once."""
    for odd in ("0", "-1", "101", str(2**31), str(2**63), "9" * 400, "1e1", "%D9%A3", "0x1", "1_0"):
        assert (await susan.get(f"{path}?limit={odd}")).status == 400, odd
    for odd in ("0", "-1", str(2**31), "9" * 400, "1e9", "%D9%A3", "1.0", "true", "", "x", "+1"):
        for name in ("before", "after"):
            answer = await susan.get(f"{path}?{name}={odd}")
            assert answer.status == 400, (name, odd)
            assert answer.json["errors"][0]["field"] == name
    for query in ("before=1&after=1", "before=1&before=2", "limit[]=1", "page=1", "per_page=2"):
        assert (await susan.get(f"{path}?{query}")).status == 400, query
    both = (await susan.get(f"{path}?before=9&after=1")).json
    assert "not both" in both["detail"]
    assert (await susan.get(f"{path}?before={2**31 - 1}")).status == 200


async def test_a_walk_while_others_write(cast: Cast, susan: Program) -> None:
    """Each of 200 posts once, from the newest down, while others come and go."""
    made = await publish(cast, [cast.susan.actor] * 200)
    keeps, dice = set(made[::2]), random.Random(6)
    walked = asyncio.Event()

    async def write() -> None:
        doomed = [post_id for post_id in made if post_id not in keeps]
        while not walked.is_set() and doomed:
            await cast.publish(cast.john, "meanwhile")
            await susan.delete(f"/api/posts/{doomed.pop(dice.randrange(len(doomed)))}")

    writing = asyncio.create_task(write())
    seen: list[int] = []
    older: str | None = "/api/posts?limit=7"
    while older:
        answer = await susan.get(older)
        seen += ids(answer)
        # The very post that the link names may be gone when it is followed.
        if answer.json["items"] and (last := seen[-1]) in made and last not in keeps:
            await susan.delete(f"/api/posts/{last}")
        older = check_links(answer)[0]
    walked.set()
    await writing
    assert seen == sorted(set(seen), reverse=True)
    assert keeps <= set(seen)
    # And upwards again, what is left.
    first = min(ids(await susan.get(f"/api/posts?limit=100&before={made[50]}")))
    newer, back = f"/api/posts?limit=100&after={first}", [first]
    while (answer := await susan.get(newer)).json["items"]:
        back += ids(answer)[::-1]
        newer = answer.json["_links"]["prev"]
    assert back == sorted(set(back))
    assert keeps <= set(back)


@on_postgresql
async def test_what_is_written_earlier_and_kept_later(cast: Cast, susan: Program) -> None:
    """Who has seen a post has seen, or will see, the one before it that was slower."""
    (first,) = await publish(cast, [cast.susan.actor])
    for path in ("/api/posts?limit=50", f"/api/timeline?after={first}"):
        known = len(ids(await susan.get(path)))
        async with asyncio.timeout(20), cast.resources.database.begin() as session:
            slow = await posts.publish(session, cast.susan.actor, "slow", length=500)
            quick = await cast.publish(cast.susan, "quick")
            with counted(cast) as statements:
                asking = asyncio.create_task(susan.get(path))
                while not any("EXISTS" in statement for statement in statements):
                    await asyncio.sleep(0.005)
            assert not asking.done()
        answer = await asking
        assert ids(answer)[:2] == [quick, slow.id]
        assert len(ids(answer)) == known + 2
        assert ids(await susan.get(answer.json["_links"]["prev"])) == []


@on_postgresql
async def test_what_is_not_kept_for_long(
    cast: Cast, susan: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever, and nobody gets what would hide something; the top is shown."""
    monkeypatch.setattr(settled, "PATIENCE_SECONDS", 0.02)
    (first,) = await publish(cast, [cast.susan.actor])
    path = f"/api/timeline?after={first}"
    async with cast.resources.database.begin() as session:
        slow = await posts.publish(session, cast.susan.actor, "slow", length=500)
        quick = await cast.publish(cast.susan, "quick")
        answer = await susan.get(path)
        assert ids(answer) == []
        assert answer.json["_links"]["prev"] == path
        assert ids(await susan.get("/api/timeline")) == [quick, first]
        assert ids(await susan.get(f"/api/timeline?before={quick}")) == [first]
    assert ids(await susan.get(path)) == [quick, slow.id]


async def test_a_list_costs_the_same_for_one_and_for_many(
    cast: Cast, app: Quart, susan: Program
) -> None:
    """For 1 and 100 posts, of 1 and of 30 people."""
    paths = ["/api/timeline", "/api/posts", f"/api/users/{cast.susan.id}/posts"]
    people: list[Actor] = [cast.susan.actor]
    costs: list[list[int]] = []
    for number in (1, 4):
        if number > 1:
            people = [await enrol(cast.resources, f"person{n}", "x") for n in range(30)]
            await follow_all(cast, people)
        await publish(cast, [*people, cast.susan.actor] * number)
        # The first use of a token is written down, once a minute.
        await susan.get("/api/posts")
        await asyncio.gather(*cast.resources._noting.values())
        costs.append([await cost(cast, susan, f"{path}?limit=100") for path in paths])
        for at in (f"?limit=100&before={2**31 - 1}", "?limit=100&after=1"):
            costs[-1] += [await cost(cast, susan, path + at) for path in paths]
    assert costs[0] == costs[1]
    assert max(costs[1]) <= 6


async def publish(cast: Cast, people: list[Actor]) -> list[int]:
    """A post by each of them, in one transaction."""
    async with cast.resources.database.begin() as session:
        made = [
            await posts.publish(session, person, f"https://a.example/{number}", length=500)
            for number, person in enumerate(people)
        ]
    return [post.id for post in made]


async def cost(cast: Cast, program: Program, path: str) -> int:
    await program.get(path)
    with counted(cast) as statements:
        assert (await program.get(path)).json["items"] or "after" in path
    return len([s for s in statements if "rate" not in s and not s.startswith("BEGIN")])


async def follow_all(cast: Cast, people: list[Any]) -> None:
    async with cast.resources.database.begin() as session:
        for person in people:
            user = await users.by_id(session, person.id)
            await follows.follow(session, cast.susan.actor, user)
