"""Posts by programs: as the page writes them, shows them, changes them, takes them back."""

import json
from typing import Any

import pytest
from quart import Quart

from microblog.domain import posts
from microblog.live import wire
from tests.cast import Cast
from tests.test_laws import dump
from tests.test_statements import counted
from tests.web.api.programs import Program, login_token, personal_token
from tests.web.auth import records
from tests.web.reading import rows, texts

LONG = "x" * 501
NO_TEXT: list[Any] = [None, 1, 1.5, True, ["a"], {"a": 1}]
NO_POST: list[Any] = [*NO_TEXT, "", " \n\t ", LONG, "a\x00b", "a\x1bb", "\ud800"]
NO_ID = ["0", "-1", "2147483648", "9" * 400, "1e9", "１", "0x1", "1_000", "1.0", "true", "%00", ""]


async def test_writing_one(cast: Cast, susan: Program) -> None:
    """M-103: cleaned, detected and told as on the page; the answer is the post."""
    body = "  Un texte français avec des e\u0301tudes & <b>\r\nhttps://a.example/?x=1&y=2 "
    answer = await susan.post("/api/posts", json={"body": body})
    assert answer.status == 201
    post = answer.json
    assert post["body"] == "Un texte français avec des études & <b>\nhttps://a.example/?x=1&y=2"
    assert post["html"].startswith("Un texte français avec des études &amp; &lt;b&gt;\n<a href=")
    assert (post["language"], post["edited_at"]) == ("fr", None)
    assert post["timestamp"].endswith("Z")
    assert post["author"]["username"] == "susan"
    assert answer.headers["location"] == post["_links"]["self"] == f"/api/posts/{post['id']}"
    assert (await susan.get(answer.headers["location"])).json == post
    assert (await susan.get(post["author"]["_links"]["self"])).json["post_count"] == 1
    assert "susan@example.com" not in json.dumps(post)
    (row,) = rows(await cast.susan.browser.text("/"))
    assert (row.id, row.author) == (post["id"], "susan")
    assert texts(await cast.john.browser.text("/search?q=fran%C3%A7ais"))
    chosen = await susan.post("/api/posts", json={"body": "42", "language": "pt"})
    assert chosen.json["language"] == "pt"


async def test_a_frame_and_an_answer_show_the_same(cast: Cast, susan: Program) -> None:
    """One shape, over the socket and over the API."""
    answer = await susan.post("/api/posts", json={"body": "see https://a.example"})
    for _ in range(2):
        async with cast.resources.database.reading() as session:
            view = await posts.by_id(session, answer.json["id"])
        frame = json.loads(wire.post_created(1, ["home"], view, "<p>"))
        assert frame["post"] == (await susan.get(answer.headers["location"])).json
        await susan.put(answer.headers["location"], json={"body": "changed"})
    assert frame["post"]["edited_at"]


async def test_a_language_that_nobody_knows(cast: Cast, susan: Program) -> None:
    """Null, whichever way it is not known, over the socket as well."""
    for language in ("", None):
        number = await cast.publish(cast.susan, "42", language=language)
        async with cast.resources.database.reading() as session:
            view = await posts.by_id(session, number)
        assert json.loads(wire.post_updated(1, ["home"], view, "<p>"))["post"]["language"] is None
        assert (await susan.get(f"/api/posts/{number}")).json["language"] is None
    assert (await susan.post("/api/posts", json={"body": "42"})).json["language"] is None


async def test_what_is_no_post(cast: Cast, susan: Program) -> None:
    """T-34, T-43, T-53: refused by its member, at both doors of writing; nothing is changed."""
    path = f"/api/posts/{await cast.publish(cast.susan, 'as it was')}"
    before = await dump(cast)
    for call in (lambda **sent: susan.post("/api/posts", **sent), lambda **s: susan.put(path, **s)):
        for value in NO_POST:
            answer = await call(json={"body": value})
            assert answer.status == 400, value
            assert answer.json["errors"][0]["field"] == "body"
        for value in [*NO_TEXT, "xx", "en-US-x", "EN", "e" * 999]:
            answer = await call(json={"body": "right", "language": value})
            assert answer.status == 400, value
            assert answer.json["errors"][0]["field"] == "language"
        for extra in ("id", "user_id", "timestamp", "html", "author"):
            assert (await call(json={"body": "right", extra: 1})).status == 400
        for raw in ("", "{", "[]", '"x"', "null", '{"body": NaN}', "{}", '{"body": 1e999}'):
            headers = {"Content-Type": "application/json"}
            assert (await call(data=raw, headers=headers)).status == 400, raw
        assert (await call(form={"body": "x"})).status == 415
        assert (await call(json={"body": "x" * 33_000})).status == 413
    assert (await susan.post("/api/posts?body=x", json={"body": "right"})).status == 400
    assert await dump(cast) == before


async def test_the_longest_post_in_its_longest_spelling(susan: Program) -> None:
    """T-48: 500 letters outside of the plane that JSON escapes easily, and room around."""
    raw = json.dumps({"body": "\N{GRINNING FACE}" * 500}).ljust(32 * 1024)
    headers = {"Content-Type": "application/json"}
    answer = await susan.post("/api/posts", data=raw, headers=headers)
    assert answer.status == 201
    assert answer.json["body"] == "\N{GRINNING FACE}" * 500
    assert (await susan.post("/api/posts", data=raw + " ", headers=headers)).status == 413


async def test_changing_ones_own(cast: Cast, susan: Program) -> None:
    """As the page: what it said is kept, the same again is no change, the language stays."""
    first = await susan.post("/api/posts", json={"body": "first words", "language": "pt"})
    path = first.headers["location"]
    assert (await susan.put(path, json={"body": " first words "})).json == first.json
    changed = await susan.put(path, json={"body": "other words", "language": "es"})
    assert changed.status == 200
    assert (changed.json["body"], changed.json["language"]) == ("other words", "es")
    assert changed.json["edited_at"] >= changed.json["timestamp"] == first.json["timestamp"]
    assert (await susan.get(path)).json == changed.json
    async with cast.resources.database.reading() as session:
        (version,) = await posts.versions(session, first.json["id"])
    assert version.body == "first words"
    assert (await susan.delete(path)).status == 204
    assert [(await susan.get(path)).status, (await susan.delete(path)).status] == [404, 404]
    assert (await susan.put(path, json={"body": "again"})).status == 404


async def test_foreign_and_absent_are_one_answer(cast: Cast, app: Quart, susan: Program) -> None:
    """T-25: also for a body that would be refused."""
    post_id = await cast.publish(cast.john, "hands off")
    before = await dump(cast)
    told = []
    for number in (post_id, 99):
        path = f"/api/posts/{number}"
        answers = [await susan.delete(path)]
        answers += [await susan.put(path, json={"body": body}) for body in ("mine", LONG, 1)]
        told.append([(answer.status, answer.json) for answer in answers])
    assert told[0] == told[1]
    assert [status for status, _ in told[0]] == [404, 404, 400, 400]
    assert await dump(cast) == before
    for odd in NO_ID:
        for method in ("GET", "PUT", "DELETE"):
            body = {"json": {"body": "x"}} if method == "PUT" else {}
            answer = await susan.call(method, f"/api/posts/{odd}", **body)
            # Without an id it is the list.
            assert answer.status in ((400, 404) if odd else (404,)), (method, odd)
    assert (await susan.get(f"/api/posts/{post_id}?full=1")).status == 400


async def test_who_may(cast: Cast, app: Quart, anybody: Program) -> None:
    """API-08: nobody nothing, a reading token only looks, a writing one only writes."""
    path = f"/api/posts/{await cast.publish(cast.susan, 'mine')}"
    reading = Program(app, await personal_token(cast, cast.susan, "read"))
    writing = Program(app, await personal_token(cast, cast.susan, "write"))
    lists = ("/api/timeline", "/api/posts", f"/api/users/{cast.susan.id}/posts", path)
    for get in (*lists, "/api/search?q=x"):
        found = [(await program.get(get)).status for program in (anybody, reading, writing)]
        assert found == [401, 200, 403]
        assert (await reading.call("HEAD", get)).status == 200
        assert (await anybody.call("OPTIONS", get.partition("?")[0])).status == 200
    follow = f"/api/users/{cast.john.id}/follow"
    changes: list[tuple[str, str, Any, int]] = [
        ("POST", "/api/posts", {"body": "x"}, 201),
        ("PUT", path, {"body": "x"}, 200),
        ("PUT", follow, None, 204),
        ("DELETE", follow, None, 204),
        ("DELETE", path, None, 204),
    ]
    for method, where, body, done in changes:
        sent = {"json": body} if body else {}
        for program, status in ((anybody, 401), (reading, 403), (writing, done)):
            assert (await program.call(method, where, **sent)).status == status, (method, where)


@pytest.mark.usefixtures("confirmation_required")
async def test_until_the_address_is_confirmed(cast: Cast, app: Quart) -> None:
    """As on the page: reading is free, writing and following are refused."""
    await records.change(cast, cast.susan, confirmed_at=None)
    susan = Program(app, await login_token(cast, cast.susan))
    assert (await susan.get("/api/timeline")).status == 200
    assert (await susan.post("/api/posts", json={"body": "x"})).status == 403
    assert (await susan.put(f"/api/users/{cast.john.id}/follow")).status == 403


@pytest.mark.usefixtures("usual_limits")
async def test_what_is_written_counts_with_the_page(cast: Cast, app: Quart) -> None:
    """T-57: one allowance for writing, whichever door; a refused one says when to come again."""
    susan = Program(app, await login_token(cast, cast.susan))
    token = await cast.susan.browser.token("/")
    for _ in range(58):
        await cast.susan.browser.post("/follow/john", csrf_token=token)
    path = f"/api/users/{cast.john.id}/follow"
    answers = [await susan.post("/api/posts", json={"body": "x"}), await susan.put(path)]
    answers += [await susan.delete(path) for _ in range(8)]
    assert {answer.status for answer in answers} == {201, 204, 429}
    assert all("retry-after" in answer.headers for answer in answers if answer.status == 429)


async def test_writing_is_short(cast: Cast, susan: Program) -> None:
    """The token, habits, allowance, newest date and post, words, event, the answer."""
    await susan.post("/api/posts", json={"body": "the first"})
    with counted(cast) as statements:
        await susan.post("/api/posts", json={"body": "another"})
    told = [s for s in statements if not s.startswith("BEGIN") and "INTO rate" not in s]
    assert 3 < len(told) <= 7, told
